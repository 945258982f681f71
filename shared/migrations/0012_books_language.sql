-- A language that few books are in must not cost a walk along all of the popularity index.
create index books_language on books (language, ratings_count, id);
