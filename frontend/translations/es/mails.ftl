# Correos sobre pedidos, en texto sencillo.
mail-greeting = Hola, { $name }:
mail-link = Tu pedido, con lo que va pasando: { $address }
mail-delivery = Envío: { $amount }
mail-total = Total, IVA incluido: { $amount }
mail-tax = IVA al { $rate } incluido: { $amount }
mail-tax-id = NIF: { $id }
mail-transfer = Haz una transferencia de { $amount } a { $holder }, IBAN { $iban }, con el concepto { $number }. Guardamos los libros durante { $days } días.
mail-withdrawal = Tienes 14 días desde que lo recibas para desistir de la compra sin dar ningún motivo: en la página de tu pedido o respondiendo a este correo.
mail-no-invoice = Este correo no es una factura. Si la necesitas, pídenosla.
mail-subject-confirmed = Pedido { $number } confirmado · { $shop }
mail-subject-awaiting-payment = Pedido { $number }: esperamos tu transferencia · { $shop }
mail-subject-rejected = No hemos podido aceptar tu pedido { $number } · { $shop }
mail-subject-expired = Pedido { $number } vencido · { $shop }
mail-subject-ready = Pedido { $number } listo para recoger · { $shop }
mail-subject-shipped = Pedido { $number } en camino · { $shop }
mail-subject-returned = Pedido { $number } devuelto · { $shop }
mail-subject-cancelled = Pedido { $number } cancelado · { $shop }
mail-subject-part-cancelled = Cambio en tu pedido { $number } · { $shop }
mail-subject-part-returned = Devolución de tu pedido { $number } · { $shop }
mail-subject-withdrawn = Hemos recibido tu desistimiento del pedido { $number } · { $shop }
mail-confirmed = Hemos confirmado tu pedido. Los libros son tuyos.
mail-awaiting-payment = Hemos apartado tus libros. Los prepararemos en cuanto llegue tu transferencia.
mail-rejected = No hemos podido aceptar tu pedido. No se ha vendido nada y no tienes que pagar nada. En la página del pedido está el motivo de cada línea, y desde ella puedes pedir lo que sí está disponible.
mail-expired = Se ha pasado el plazo y los libros vuelven a estar a la venta. No tienes que pagar nada.
mail-ready = Tu pedido está listo y te espera en la librería.
mail-shipped = Tu pedido está en camino.
mail-returned = Hemos recibido los libros que has devuelto. Te reembolsamos el importe en un plazo de 14 días.
mail-cancelled = Hemos cancelado tu pedido. Si ya lo habías pagado, te reembolsamos el importe en un plazo de 14 días.
mail-cancelled-early = Cancelaste tu pedido antes de que lo confirmáramos. No se ha vendido nada y no tienes que pagar nada.
mail-part-cancelled = Hemos tenido que quitar ejemplares de tu pedido. Esto es lo que queda:
mail-part-returned = Hemos recibido ejemplares que has devuelto. Te reembolsamos su importe en un plazo de 14 días. Esto es lo que queda:
mail-withdrawn = El { $time } nos comunicaste que desistes del contrato del pedido { $number }. Te confirmamos que lo hemos recibido.

    Devuélvenos los libros en un plazo de 14 días; los gastos de devolución corren de tu cuenta. Te devolvemos todo lo pagado, también el envío normal, en 14 días, aunque podemos esperar a tener los libros.
