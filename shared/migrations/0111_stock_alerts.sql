-- Who wants to be notified that a book is back: a customer, or a guest who confirms the address by a link. The links of its mails
-- are made with the request, because who writes the mails has no key to make them. The row is the record that one mail was
-- written; it goes when nobody needs it any more.
create table stock_alerts (
    id             bigint unsigned  not null auto_increment,
    request_id     binary(16)       not null comment 'the submission, which the links name',
    book_id        int unsigned     not null,
    email          varchar(254)     not null,
    mailbox_key    binary(32)       not null comment 'hash of the mailbox, whichever of its addresses was typed',
    language       varchar(35) character set ascii collate ascii_bin  not null,
    origin         varchar(300) character set ascii collate ascii_bin  not null comment 'of the links, where the stage has no address of its own',
    confirm_token  varchar(300) character set ascii collate ascii_bin  not null,
    end_token      varchar(300) character set ascii collate ascii_bin  not null,
    visitor_id     binary(16)       not null,
    customer       binary(16)       null comment 'subject of the user pool; null of a guest',
    created_at     timestamp(6)     not null,
    confirmed_at   timestamp(6)     null,
    notified_at        timestamp(6)     null comment 'when the mail that the book is back was written',
    keep_until     timestamp(6)     not null,
    is_waiting     boolean          as (confirmed_at is not null and notified_at is null) stored,
    primary key (id),
    unique key stock_alerts_request (request_id),
    unique key stock_alerts_once (mailbox_key, book_id),
    key stock_alerts_waiting (book_id, is_waiting, id),
    key stock_alerts_visitor (visitor_id, created_at),
    key stock_alerts_customer (customer),
    key stock_alerts_keep (keep_until),
    constraint stock_alerts_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
