-- What the staff hides stays, so that it can be shown again and its visitor cannot send it anew; and what a visitor left
-- is found by the visitor. The newest words about a book are one index range, however many gave stars alone.
alter table ratings
    add column hidden_at timestamp(6) null,
    add column shows_words boolean as (review is not null and hidden_at is null) stored,
    add key ratings_visitor (visitor_id),
    add key ratings_words (book_id, shows_words, sent_at, id);
