-- The country of orders that were placed before, as long as their address is there.
update orders
set country = json_value(address, '$.country')
where country is null
  and address is not null;
