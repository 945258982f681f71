-- A file that no book has any more is removed from the bucket: the books with the same one are one range of an index.
alter table covers
    add key covers_hash (hash);
