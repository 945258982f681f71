-- A wave of forged ratings is hidden by the time at which they were sent, whatever the book.
alter table ratings
    add key ratings_sent (sent_at, id);
