-- When what the shop publishes of a book last changed, so that programs read only what is new: an import that changes the
-- book, and a rating, which changes its counts.
alter table books
    add column updated_at timestamp(3) not null default current_timestamp(3) on update current_timestamp(3),
    add key books_updated (updated_at, id);
