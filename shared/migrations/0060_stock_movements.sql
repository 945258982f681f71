-- Every change of a book's stock, so that no copy appears or disappears without a cause. The unique key makes a cause count
-- once. A book without rows has not moved since it was imported: its first movement is preceded by an `opening` one, so that
-- no migration has to copy the whole shop.
create table stock_movements (
    id          bigint unsigned  not null auto_increment,
    book_id     int unsigned     not null,
    kind        varchar(10) character set ascii collate ascii_bin  not null comment 'opening, received, sold, released, returned, counted or damaged',
    quantity    int              not null comment 'what it adds to the stock; negative where it takes copies away',
    source      varchar(64) character set ascii collate ascii_bin  not null comment 'what caused it: a message, a row of an import, an action of the staff',
    order_id    binary(16)       null comment 'whose line it belongs to',
    counted_at  timestamp(6)     null comment 'of counted: when the copies were counted',
    reason      varchar(200)     null comment 'in the words of the staff',
    moved_at    timestamp(6)     not null,
    primary key (id),
    unique key stock_movements_once (book_id, source),
    key stock_movements_order (order_id),
    constraint stock_movements_book foreign key (book_id) references books (id) on delete cascade
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;
