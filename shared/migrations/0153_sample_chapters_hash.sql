-- As for covers: whether another book has the same file.
alter table sample_chapters
    add key sample_chapters_hash (hash);
