-- The best rated books that can be bought, for the home page, are one index range.
create index books_in_stock_rating on books (in_stock, score, id);
