-- `stock_moved` is the sum of the movements of a book that has some; `stock` beside it is what pages read and what imports of
-- the version before still write, so that a difference shows such an import, and the next movement takes it up. `sold` is
-- the number of copies sold in the last thirty days, for the list of best sellers. The rest is what the law of fixed prices,
-- the tax and the product safety regulation want to be known of a book.
alter table books
    add column stock_moved int unsigned null comment 'null where nothing has moved yet',
    add column sold int unsigned not null default 0 comment 'copies in the last thirty days',
    add column fixed_price int unsigned null comment 'minor units of the currency of the price',
    add column tax_rate smallint unsigned null comment 'hundredths of a percent; null is the rate of the shop',
    add column publisher varchar(200) null,
    add column publisher_contact varchar(300) null comment 'address, and e-mail or web address',
    add key books_bestsellers (sold, id),
    add key books_in_stock_bestsellers (in_stock, sold, id);
