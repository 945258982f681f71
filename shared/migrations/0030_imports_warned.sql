-- Cells that were left out, because an optional value that cannot be read costs its cell and not the book.
alter table imports
    add column warned int unsigned not null default 0 comment 'cells that were left out' after refused;
