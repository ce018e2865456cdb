/** The words of the figures about reports on "About this map". A key must be in every language; a test compares them. */

const en = {
  caption: 'Reports and decisions by month',
  month: 'Month',
  reported: 'Reported',
  shown: 'Shown again or left',
  hidden: 'Kept hidden',
  erased: 'Erased',
  uploads: 'Uploads refused',
  none: 'Nothing was reported yet.',
  waiting: { one: '{n} picture waits for a decision', other: '{n} pictures wait for a decision' },
  oldest: { one: 'the oldest for {n} day', other: 'the oldest for {n} days' },
  said: 'What the people who run this map say about single decisions:',
};

/** @type {typeof en} */
const es = {
  caption: 'Denuncias y decisiones por mes',
  month: 'Mes',
  reported: 'Denunciadas',
  shown: 'Repuestas o dejadas',
  hidden: 'Ocultas',
  erased: 'Borradas',
  uploads: 'Envíos rechazados',
  none: 'Todavía no se ha denunciado nada.',
  waiting: { one: '{n} imagen espera una decisión', other: '{n} imágenes esperan una decisión' },
  oldest: { one: 'la más antigua, {n} día', other: 'la más antigua, {n} días' },
  said: 'Lo que quienes operan este mapa dicen de algunas decisiones:',
};

export const languages = { en, es };
