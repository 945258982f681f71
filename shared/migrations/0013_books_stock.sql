-- The same for a shop that has little in stock.
create index books_stock on books (stock, ratings_count, id);
