-- The staff looks at hidden ratings, and at those of a visitor, the newest first, however many others there are.
alter table ratings
    add column is_hidden boolean as (hidden_at is not null) stored,
    add key ratings_hidden (is_hidden, sent_at, id),
    add key ratings_visitor_sent (visitor_id, sent_at, id);
