-- How many books each value of a filter finds, changed in the transaction that changes the books: no request counts the
-- whole shop. Genres have their number in `genres`.
create table shop_counts (
    kind   enum ('all', 'language', 'in_stock', 'rating', 'price')  not null,
    value  varchar(35)   not null comment 'a base language; the lower bound of a band in half stars, or the upper one of a price in minor units',
    books  int unsigned  not null default 0,
    primary key (kind, value)
) engine = InnoDB default character set ascii collate ascii_bin;
