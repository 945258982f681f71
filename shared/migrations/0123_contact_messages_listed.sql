-- The staff looks at open messages, and at answered ones, the newest first, however many there are of the others.
alter table contact_messages
    add column is_open boolean as (answered_at is null) stored,
    add key contact_messages_listed (is_open, id);
