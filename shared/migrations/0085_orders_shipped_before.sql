-- Orders that were sent before there was this time.
update orders
set delivered_by = (
        select s.at + interval 30 day
        from order_states s
        where s.order_number = orders.number
          and s.state = 'shipped'
    )
where state = 'shipped';
