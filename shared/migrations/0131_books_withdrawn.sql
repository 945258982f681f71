-- A book that the shop no longer sells keeps its page, for its ratings and for those who bought it. It has no price, so that
-- nothing that reads prices offers or sells it; its own waits beside it until the staff puts the book back.
alter table books
    add column withdrawn_at timestamp null,
    add column withdrawn_price int unsigned null comment 'minor units',
    add column withdrawn_currency char(3) character set ascii collate ascii_bin null comment 'ISO 4217';
