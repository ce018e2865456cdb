-- Pictures that were hidden and that the operator put back: the look at published pictures leaves them alone.

CREATE TABLE cleared (
    picture INTEGER PRIMARY KEY
);
