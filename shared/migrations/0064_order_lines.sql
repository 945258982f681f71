-- What was ordered, as it was at that time; of a rejected order with the reasons. Without a foreign key to the books, because
-- a rejected line may name a book that never was.
create table order_lines (
    order_number  int unsigned       not null,
    position      tinyint unsigned   not null,
    book_id       int unsigned       not null,
    title         varchar(500)       not null,
    isbn          char(13) character set ascii collate ascii_bin  null,
    quantity      tinyint unsigned   not null,
    cancelled     tinyint unsigned   not null default 0 comment 'copies that were given back before they left the shop',
    returned      tinyint unsigned   not null default 0 comment 'copies that came back',
    unit_price    int unsigned       null,
    tax_rate      smallint unsigned  not null default 0 comment 'hundredths of a percent',
    reason        varchar(100)       null comment 'code; why the line could not be sold',
    primary key (order_number, position),
    unique key order_lines_book (order_number, book_id),
    constraint order_lines_order foreign key (order_number) references orders (number) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
