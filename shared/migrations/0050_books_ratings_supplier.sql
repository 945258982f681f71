-- Whose readers gave the imported star counts of a book: its own supplier, or another one that filled them in. Where it is
-- null, they were imported before it was kept, and are taken to be of the book's own supplier.
alter table books
    add column ratings_supplier varchar(100) character set ascii collate ascii_bin null comment 'the part of a reference before the colon';
