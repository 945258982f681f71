-- The cells of a refused row, for a file in which it is mended: its text alone may be cut.
alter table import_refusals
    add column cells mediumtext null comment 'as JSON; none if the row has no cells, or too many bytes';
