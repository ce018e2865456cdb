/** The words of the map page. A key must be in every language; a test compares them. */

import { en } from './map.en.js';
import { es } from './map.es.js';

export const catalogues = { en, es };
