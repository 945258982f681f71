-- The books of a genre in order of popularity: a copy of `books.ratings_count`, written together with it.
alter table book_genres
    add column ratings_count int unsigned not null default 0,
    add key book_genres_popular (genre_id, ratings_count, book_id);
