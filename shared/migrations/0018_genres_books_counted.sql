-- The counts of what was imported before they were kept.
update genres g set g.books = (select count(*) from book_genres bg where bg.genre_id = g.id);
