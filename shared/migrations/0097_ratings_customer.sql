-- Whose rating it is, so that a customer finds it in every browser, and whether its author has bought the book. The purchase is
-- noted here, because who reads ratings must not read orders.
alter table ratings
    add column customer binary(16) null comment 'subject of the user pool; null of a visitor who has never signed in',
    add column verified_purchase boolean not null default false comment 'whether its author has bought the book here',
    add key ratings_customer (customer, sent_at, id),
    add key ratings_customer_book (customer, book_id);
