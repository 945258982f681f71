-- Whether a book can be sent today: `in_stock` also has those without a price, which are to order. Not stored, so that no
-- row is written; its indexes hold it.
alter table books
    add column available boolean as (stock > 0 and price is not null) virtual;
