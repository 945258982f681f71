-- The same for the books of an author.
alter table book_authors
    add column ratings_count int unsigned not null default 0,
    add key book_authors_popular (author_id, ratings_count, book_id);
