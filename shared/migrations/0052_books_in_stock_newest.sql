-- The same for the newest.
create index books_in_stock_newest on books (in_stock, year_order, id);
