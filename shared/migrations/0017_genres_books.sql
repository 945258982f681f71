-- How many books a genre has, kept by imports: the page of genres counts nothing.
alter table genres add column books int unsigned not null default 0;
