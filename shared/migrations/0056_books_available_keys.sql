-- The lists of what can be sent today, by popularity, and the best rated and newest of them for the home page, are each one
-- index range; they take the place of those of `in_stock`, which the version before still reads.
alter table books
    add key books_available (available, ratings_count, id),
    add key books_available_rating (available, score, id),
    add key books_available_newest (available, year_order, id);
