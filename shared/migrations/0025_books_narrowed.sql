-- A list of one language, with all its regional variants, and a list of what is in stock are each one index range.
alter table books
    add column base_language varchar(35) character set ascii collate ascii_bin as (substring_index(language, '-', 1)) stored,
    add column in_stock boolean as (stock > 0) stored,
    add key books_base_language (base_language, ratings_count, id),
    add key books_in_stock (in_stock, ratings_count, id);
