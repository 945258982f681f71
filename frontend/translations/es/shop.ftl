# Los textos de la tienda. De tú, en frases cortas.

shop-in-short = Anaquel, una librería en la que explorar libros y leer lo que opinan otros lectores.
skip = Saltar al contenido
language-own-name = Español
nav = Principal
nav-books = Libros
nav-genres = Géneros
nav-contact = Contacto
nav-order = Tu último pedido
nav-about = Quiénes somos
nav-privacy = Privacidad
nav-api = API

search = Buscar
search-label = Buscar por título, autor o ISBN
search-hint = Título, autor o ISBN
see-all = Ver todos
# Con un nombre femenino.
see-all-feminine = Ver todas
back-home = Volver al inicio
back-to-book = Volver al libro
pages = Páginas
cover-of = Cubierta de { $title }
year-before-our-era = { $year } a. C.
date = { $day } de { $month ->
        [1] enero
        [2] febrero
        [3] marzo
        [4] abril
        [5] mayo
        [6] junio
        [7] julio
        [8] agosto
        [9] septiembre
        [10] octubre
        [11] noviembre
       *[12] diciembre
    } de { $year }

home-title = Librería
home-heading = ¿Qué te apetece leer?
home-today = Una selección para hoy, { $date }
shelf-bestsellers = Los más vendidos
shelf-best-rated = Los mejor valorados
shelf-popular = Populares
shelf-newest = Novedades
shelf-by-author = Más libros de { $author }
shelf-also-rated = A quienes les gustó también les gustó
genres-title = Géneros

books-count = { $count ->
        [one] { $count } libro
       *[other] { $count } libros
    }
books-at-least = { $count ->
        [one] al menos { $count } libro
       *[other] al menos { $count } libros
    }
whole-catalogue = Todo el catálogo
nothing-so-far = En esta parte de la lista no hay ninguno. Mira si hay más.
ask-the-shop = Preguntar a la librería
suggestion-meant = ¿Querías decir esto?
suggestion-author = Autor
suggestion-genre = Género
suggestion-all = Ver todos los resultados
see-also = Ver también:
without-filters = { $count ->
    [one] Sin los filtros: { $count } libro
   *[other] Sin los filtros: { $count } libros
}
without-filters-at-least = Sin los filtros: al menos { $count } libros
results-for = Resultados de
filters = Filtrar y ordenar
filters-active = Filtros aplicados
filter-remove = Quitar el filtro
filter-from-stars = { $count ->
        [one] Desde { $stars } estrella
       *[other] Desde { $stars } estrellas
    }
filter-up-to = Hasta { $amount }
filter-in-stock = Solo disponibles
genre = Género
language = Idioma
rating = Valoración
price-max = Precio máximo
sort = Ordenar por
all-genres = Todos los géneros
all-languages = Todos los idiomas
any-rating = Todas
apply = Aplicar
sort-relevance = Relevancia
sort-popular = Más populares
sort-bestsellers = Más vendidos
sort-rating = Mejor valorados
sort-newest = Novedades
sort-title = Título
sort-price = Precio, de menor a mayor
nothing-found = No hemos encontrado ningún libro. Prueba con menos palabras o quita algún filtro.
nothing-among-popular = Entre los libros más populares no hay ninguno. Puede haber otros: añade una palabra o quita algún filtro.
did-you-mean = ¿Querías decir
all-books = Ver todos los libros
from-the-start = Volver al principio
list-from = desde «{ $title }»
list-after = después de «{ $title }»
list-continued = continuación
more-books = Más libros
no-books = Ahora mismo no tenemos ninguno de sus libros.
out-of-stock = Agotado
to-order = Por encargo
withdrawn = Ya no se vende

stars = Estrellas
share = Porcentaje
ratings = Valoraciones
stars-of-five = { $mean } de 5 estrellas
stars-given = { $count ->
        [one] { $count } estrella
       *[other] { $count } estrellas
    }
ratings-count = { $count ->
        [one] { $count } valoración
       *[other] { $count } valoraciones
    }
ratings-own = { $count } de esta tienda
ratings-from = { $count } de { $source }
ratings-imported = { $count } que vinieron con el catálogo
no-ratings = Sin valoraciones
no-reviews = Aún no hay reseñas.
write-the-first = Escribe la primera
write-yours = Escribe la tuya
rated-on = Lo valoraste el { $date }. Puedes cambiar lo que quieras y volver a publicarlo.
rate-change = Cambiar valoración
year = Año
publisher = Editorial
publisher-contact = Contacto de la editorial
stock-none = Agotado
stock-to-order = No lo tenemos, pero te lo pedimos
stock-withdrawn = Ya no vendemos este libro
notify-me = Avísame cuando vuelva
order-it = Encargarlo
stock-few = { $count ->
        [one] Queda { $count } ejemplar
       *[other] Quedan { $count } ejemplares
    }
stock-plenty = Disponible
reviews-title = Lo que opinan los lectores
ratings-of = Valoraciones de
all-ratings = Ver todas las valoraciones
newest-ratings = Valoraciones más recientes
ratings-until = hasta el { $date }
older-ratings = Valoraciones anteriores
anonymous = Anónimo
rate-it = Valorarlo
rate-title = Tu valoración
your-stars = ¿Cuántas estrellas le das?
your-review = Tu reseña (opcional)
your-name = Tu nombre
your-name-optional = Tu nombre (opcional)
rate-note = Se publica con la fecha de hoy. Si vuelves a valorarlo desde este navegador, la nueva valoración sustituye a la anterior.
rate-send = Publicar valoración

contact-title = Escríbenos
contact-lead = ¿Tienes una pregunta, buscas un libro, has visto un error? Te contestamos por correo.
contact-note = Usamos tu correo solo para contestarte.
contact-send = Enviar mensaje
your-email = Tu correo electrónico
subject = Asunto
message = Mensaje
ask-order = Encargo: { $title }
ask-order-text = Hola:

    Quiero encargar «{ $book }». ¿Cuánto costaría y cuánto tardaría en llegar?

    Gracias.
ask-notify = Aviso: { $title }
ask-notify-text = Hola:

    ¿Me avisáis cuando volváis a tener «{ $book }»?

    Gracias.
leave-empty = Deja esto vacío
form-invalid = Hay algo que corregir. No se ha perdido nada de lo que escribiste.
form-honeypot = No lo hemos enviado: llegó relleno un campo oculto, y eso suelen hacerlo los programas. Si lo rellenó tu navegador, pulsa otra vez el botón y listo.
form-expired = Has vuelto a entrar desde que se mostró este formulario. Todo lo que escribiste sigue aquí: envíalo otra vez, por favor.
form-too-large = Es demasiado largo. Acórtalo un poco: todo lo que escribiste sigue aquí.
form-outdated = Este formulario tiene más de un día, y no hemos enviado nada. Todo lo que escribiste sigue aquí: revísalo y vuelve a pedir. Si ha cambiado algún precio o ya no queda algún libro, te lo diremos sin cobrarte nada.
form-gone = Los libros de este formulario ya no están en tu carrito: quizá los has pedido ya en otra pestaña. No hemos enviado nada. Si quieres pedirlos de todos modos, pulsa otra vez el botón.
form-unavailable = Ahora mismo no podemos recibirlo. Todo lo que escribiste sigue aquí: vuelve a intentarlo en un minuto.

error-title = Error:
blank-name = Escribe tu nombre.
blank-subject = Escribe un asunto.
blank-message = Escribe tu mensaje.
what-name = Tu nombre
what-email = Tu correo electrónico
what-subject = El asunto
what-message = El mensaje
what-review = La reseña
what-q = La búsqueda
what-genre = El género
what-language = El idioma
what-author = El autor
what-sort = El orden
what-title = El título
what-authors = El campo de autores
what-isbn = El ISBN
what-price = El precio
what-fixed_price = El precio fijo
what-vat_rate = El tipo de IVA
what-genres = El campo de géneros
what-year = El año
what-publisher = La editorial
what-publisher_contact = El contacto de la editorial
what-description = La descripción
what-copies = El número de ejemplares
what-reason = El motivo
what-why = El motivo
what-reply = La respuesta
what-find = Lo que buscas
choose-authors = Escribe un autor al menos, y cien como mucho, separados por punto y coma.
choose-isbn = Escribe un ISBN de 13 cifras (desde 978 o 979) o de 10.
choose-price = Escribe un precio mayor que 0, sin separar los miles, o déjalo en blanco.
choose-fixed_price = Escribe un precio fijo mayor que 0, sin separar los miles, o déjalo en blanco.
choose-vat_rate = Escribe un porcentaje de 0 a 100, como 4 o 5,5.
choose-genres = Elige 20 géneros como mucho, y escribe claves como science-fiction, separadas por punto y coma.
choose-language = Escribe el código de un idioma, como es, en o pt-BR.
choose-year = Escribe un año como 1605, o -750 antes de nuestra era.
choose-copies = Escribe un número de ejemplares, como 3: como mucho 10.000 que llegan o se van, y 1.000.000 contados.
choose-find = Escanea o escribe un ISBN, o el número de un libro.
choose-kind = Elige qué ha pasado.
reason-check-digit = Una de las { $a } cifras de este ISBN está mal. Escanéalo o escríbelo otra vez.
reason-taken = { $what } ya es de otro libro.
reason-fixed-price = El precio tiene que estar entre el 95 y el 100 % del precio fijo.
what-other = La dirección
reason-blank = { $what } no puede quedar en blanco.
reason-too-long = { $what } admite { $a } caracteres, y has escrito { $b }.
reason-too-long-by-unknown = { $what } admite { $a } caracteres.
reason-email = Escribe tu correo completo, como ana@example.org.
reason-phone = Escribe un teléfono como +34 600 123 123.
reason-postal-code = Escribe el código postal del país, con sus cifras, letras y guiones.
reason-postal-code-start = Ningún código postal empieza por { $start }. Escribe uno como { $example }.
reason-postal-code-of-country = Escribe un código postal como { $example }.
reason-vat-area = No enviamos a esta zona (como Canarias, Ceuta y Melilla), porque allí se aplica otro impuesto. Escríbenos y vemos qué se puede hacer.
reason-country = Elige un país.
reason-link = { $what } no puede llevar una dirección web ni de correo. Si es una abreviatura, deja un espacio después del punto.
reason-card-number = { $what } no puede llevar el número de una tarjeta; la librería nunca lo pide.
reason-marks = Una letra puede llevar { $a } tildes o signos como mucho.
reason-too-new = La tienda acepta las primeras valoraciones al cabo de { $a } minutos, porque ahora mismo llegan muchas falsas. Envíala otra vez entonces, por favor.
reason-stars = Elige de { $a } a { $b } estrellas.
reason-amount = Escribe un precio como 20 o 19,95.
reason-unknown = { $what } no se entiende.
reason-other = No se puede aceptar tal como está.
reason-no-such-book = Ese libro ya no está en la tienda.
reason-hidden = La hemos ocultado.
reason-hidden-before = Ocultamos tu valoración anterior de este libro.
reason-erased = La hemos borrado, como pidió quien la escribió.
reason-of-customer = La valoración de este libro desde este navegador pertenece a una cuenta. Entra en esa cuenta, vuelve atrás y envía la tuya otra vez.
reason-later-rating = Enviaste después otra valoración de este libro; cuenta esa.

rating-title = Tu valoración
rating-published = ¡Gracias! Tu valoración ya está publicada.
rating-rejected = No hemos podido publicar tu valoración.
message-title = Tu mensaje
message-published = ¡Gracias! Hemos recibido tu mensaje y te contestaremos por correo.
message-rejected = No hemos podido recibir tu mensaje.
submission-title = Lo que enviaste
submission-received = Lo hemos recibido y lo estamos tramitando…
submission-published = ¡Gracias! Ya está hecho.
submission-rejected = No hemos podido aceptarlo.
submission-wait = Suele tardar unos segundos.
submission-check = Comprobar ahora
submission-number = Referencia:

error-not-found = Aquí no hay nada
    .text = Puede que la página ya no exista o que la dirección tenga una errata. Prueba a buscar arriba lo que querías.
error-no-submission = No encontramos lo que enviaste
    .text = Puede que la dirección esté incompleta. Si tienes dudas de que tu valoración o tu mensaje haya llegado, escríbenos.
error-too-large = Es demasiado largo
    .text = Lo que has enviado ocupa más de lo que admitimos. Vuelve atrás y acórtalo.
error-unavailable = Volvemos enseguida
    .text = La tienda está fuera de servicio unos momentos. Vuelve a intentarlo en un minuto.
error-request = Algo no va bien en la dirección
    .text = No hemos entendido lo que pedía la dirección o el formulario. Vuelve atrás, o busca arriba.
error-internal = Se nos ha caído un libro
    .text = El error es nuestro y ya lo hemos apuntado. Vuelve a intentarlo en un rato.
request-id = Si nos escribes, cita esta referencia:

about-title = Quiénes somos
about-lead = Anaquel es una librería para explorar sin prisa: libros ordenados por quienes los han leído, con sus reseñas, y sin nada que te distraiga de ellos.
about-1 = Los libros
    .text = Reunimos el catálogo de fuentes abiertas y dibujamos nosotros las cubiertas, a partir del título y los autores. Si un libro no lo tenemos, pídenoslo desde su ficha.
about-2 = Las valoraciones
    .text = Cualquiera puede valorar un libro, lo haya comprado aquí o no: no comprobamos si quien valora lo ha leído. Desde un mismo navegador cuenta una sola valoración por libro, la última. Publicamos todas según llegan, buenas y malas, y no pagamos por ninguna; solo ocultamos las que insultan, hacen publicidad o revelan datos de otras personas, y entonces tampoco cuentan.
about-3 = Las notas
    .text = La nota que ves es la media de todas las valoraciones, sin retoques. Algunas vienen con el catálogo, de lectores de otros sitios: la ficha del libro dice cuántas y de dónde. No las hemos comprobado nosotros. Para ordenar y filtrar por valoración usamos otra media, como si cada libro tuviera además 25 valoraciones de 3,5: así un solo voto no adelanta a mil lectores contentos.
about-4 = El código
    .text = La tienda es software libre, con licencia MIT o Apache 2.0. No tiene un servidor propio: cada página la hace una función que solo existe mientras hace falta.
write-to-us = Escríbenos
privacy-title = Privacidad
privacy-lead = Puedes recorrer toda la tienda sin decirnos quién eres. No hay rastreadores ni anuncios, y ninguna página carga nada de otros sitios.
privacy-visitor = Al enviar una valoración o un mensaje
    .text = Tu navegador recibe una cookie con un número al azar. Sirve para que puedas ver y cambiar tu valoración de un libro, y no dice quién eres.
privacy-language = Al elegir idioma
    .text = Si cambias de idioma, una cookie recuerda cuál. Nada más.
privacy-typed = Lo que escribes
    .text = Las valoraciones son públicas, con el nombre que pongas o sin ninguno. Los mensajes los lee solo la tienda, y el correo se usa para contestar.
privacy-logs = Los registros
    .text = Anotamos cuánto tarda cada petición y si falla y, durante un tiempo limitado, desde qué dirección de red llegó y qué página pedía, también las búsquedas: así descubrimos a quien abusa de la tienda. Lo que escribes en los demás formularios no se anota ahí.
privacy-erase = Borrarlo
    .text = Lo guardamos mientras la tienda exista o hasta que pidas borrarlo. Escríbenos desde el mismo navegador: tu mensaje lleva ese número al azar, y con él borramos todo lo que enviaste. De lo que envías se guarda aparte una copia durante 42 días como máximo, por si se pierde la base de datos; se borra con lo demás.
api-title = La tienda para programas
api-lead = El catálogo, los autores, los géneros y las valoraciones están también en JSON. El documento OpenAPI lo describe en inglés.
api-document = Documento OpenAPI 3.1 (JSON)
suggestions = Sugerencias

cart-title = Carrito
cart-add = Añadir al carrito
cart-see = Ver el carrito
cart-added = Añadido al carrito.
cart-added-book = «{ $title }» está en el carrito.
cart-short = Añadido al carrito, pero hay menos ejemplares de los que quieres.
cart-short-book = «{ $title }» está en el carrito, pero hay menos ejemplares de los que quieres.
cart-removed = Quitado del carrito.
cart-removed-book = «{ $title }» ya no está en el carrito.
cart-undo = Volver a ponerlo
cart-nothing-to-order = Ninguno de estos libros se puede pedir ahora mismo; por eso no se puede tramitar el pedido.
cart-some = { $count ->
        [one] Solo queda { $count } ejemplar: se puede pedir { $count } de { $wanted }.
       *[other] Solo quedan { $count } ejemplares: se pueden pedir { $count } de { $wanted }.
    }
cart-changed = Carrito actualizado.
cart-full = No se ha añadido: en el carrito caben 50 libros distintos. Haz un pedido o quita alguno.
cart-most = De un mismo libro puedes pedir 20 ejemplares como mucho.
cart-quantity = La cantidad tiene que ser un número entero de 1 a 20. No se ha cambiado nada.
cart-refilled = En el carrito está todo lo que podemos servirte de ese pedido.
cart-renewed = El formulario era antiguo. Revisa el carrito y vuelve a tramitarlo: no se ha enviado ningún pedido.
cart-empty = Tu carrito está vacío.
cart-unknown = Libro n.º { $book }
cart-withdrawn = Ya no lo vendemos; no entrará en el pedido.
cart-to-order = Solo por encargo; no entrará en el pedido.
cart-out-of-stock = Agotado; no entrará en el pedido.
cart-too-few = { $count ->
        [one] Solo queda { $count } ejemplar.
       *[other] Solo quedan { $count } ejemplares.
    }
cart-cheaper = Ha bajado de precio.
cart-dearer = Ha subido de precio.
cart-remove = Quitar
cart-change = Actualizar cantidades
cart-checkout = Tramitar pedido
cart-subtotal = Subtotal
quantity = Cantidad
book = Libro
amount = Importe
total = Total
price-before = Antes
price-now = Ahora
price-free = Gratis
tax-included = IVA incluido.
book-withdrawal = 14 días para desistir de la compra.
tax-rate = IVA { $rate }
tax-included-at = IVA del { $rate } incluido.
tax-part = { $rate }: { $amount }
not-sold = Ahora mismo no vendemos por la web: los precios son orientativos.
not-sold-currency = Este libro no se vende por la web, porque su precio está en otra moneda.
delivery-collect = Recogida en la librería
delivery-ship = Envío
delivery-collect-free = Recogida en la librería: gratis.
delivery-ship-free = Envío gratis.
delivery-ship-price = Envío: { $price }.
delivery-ship-free-from = Envío: { $price }, gratis desde { $from }.

checkout-title = Tramitar pedido
checkout-changed = Estas son ahora las cantidades. No se ha pedido nada: comprueba el total y después haz el pedido.
checkout-ordered = El { $time } enviaste un pedido con estos mismos libros, y lo tenemos. Si vuelves a pedir, será otro pedido más.
checkout-see-order = Ver el pedido que tenemos
checkout-partial = Parte de lo que hay en tu carrito no se puede pedir ahora. Abajo está lo que pides.
checkout-contact = Tus datos
checkout-delivery = ¿Cómo quieres recibirlo?
checkout-collect = Recogida: { $place }. Gratis. { $ready ->
        [0] Listo hoy
        [one] Listo en { $ready } día
       *[other] Listo en { $ready } días
    }; te lo guardamos { $keep ->
        [one] { $keep } día
       *[other] { $keep } días
    }.
checkout-ship = Envío a domicilio en { $countries }: { $price }. Llega en { $days ->
        [one] { $days } día
       *[other] { $days } días
    } como mucho.
delivery-countries = Enviamos a: { $countries }.
delivery-counts = El plazo cuenta desde que confirmamos el pedido.
delivery-counts-transfer = El plazo cuenta desde que confirmamos el pedido o, si pagas por transferencia, desde que nos llega.
delivery-time-collect = { $days ->
        [0] Estará listo el mismo día en que
        [one] Estará listo en { $days } día como mucho desde que
       *[other] Estará listo en { $days } días como mucho desde que
    } { $from ->
        [transfer] nos llega tu transferencia
       *[confirmation] confirmamos el pedido
    }.
delivery-date-collect = Estará listo el { $date } como muy tarde.
delivery-time-ship = { $days ->
        [one] Llega en { $days } día como mucho desde que
       *[other] Llega en { $days } días como mucho desde que
    } { $from ->
        [transfer] nos llega tu transferencia
       *[confirmation] confirmamos el pedido
    }.
delivery-date-ship = Llega el { $date } como muy tarde.
checkout-address = Dirección de envío
checkout-payment = Forma de pago
checkout-no-cards = No cobramos con tarjeta por la web: no escribas el número de ninguna.
checkout-note = Nota para la librería (opcional)
checkout-summary = Tu pedido
checkout-withdrawal = Tienes 14 días desde que recibas los libros para desistir sin dar explicaciones. { withdrawal-return-costs }
opens-a-tab = (se abre en otra pestaña)
checkout-order = Pedido con obligación de pago
checkout-what-follows = Al instante comprobamos las existencias y te confirmamos el pedido por correo. Si algo ha cambiado, no se pide nada y te decimos qué.
your-phone = Tu teléfono (opcional)
address-recipient = A nombre de
address-street = Calle y número
address-street2 = Piso, puerta (opcional)
address-postal-code = Código postal
address-place = Población
address-region = Provincia (opcional)
address-country = País
pay-on-collection = Al recogerlo, en la librería
pay-on-delivery = Al recibirlo, al repartidor
pay-by-transfer = { $count ->
        [one] Por transferencia, en { $count } día
       *[other] Por transferencia, en { $count } días
    }
paid-by-transfer = Por transferencia
paid-transfer = Tu transferencia de { $amount } llegó el { $date }.
choose-delivery = Elige cómo quieres recibirlo.
choose-payment = Elige una forma de pago que vaya con la entrega.
choose-country = Elige un país al que enviemos.
blank-recipient = Escribe a nombre de quién va.
blank-street = Escribe la calle y el número.
blank-postal_code = Escribe el código postal.
blank-place = Escribe la población.
what-phone = Tu teléfono
what-note = La nota
what-recipient = «A nombre de»
what-street = La calle y el número
what-street2 = El piso y la puerta
what-postal_code = El código postal
what-place = La población
what-region = La provincia

order-title = Tu pedido
order-number = Pedido { $number }
order-received = Recibido
order-confirmed = Confirmado
order-awaiting-payment = Pendiente de pago
order-rejected = No aceptado
order-expired = Caducado
order-ready = Listo para recoger
order-shipped = Enviado
order-collected = Recogido
order-delivered = Entregado
order-returned = Devuelto
order-cancelled = Cancelado
order-cancelling = Cancelando…
order-resent = Este formulario se envió más de una vez: es un solo pedido, y cuenta lo que enviaste primero. Si querías cambiar algo, cancela este pedido y haz otro, o escríbenos.
order-resent-as-it-is = Este formulario se envió más de una vez: es un solo pedido, y cuenta lo que enviaste primero. Si querías cambiar algo, escríbenos.
order-next-unknown = Tenemos tu pedido, pero ahora mismo no podemos consultarlo. No se pierde nada: lo atendemos en cuanto podamos, por orden de llegada, y te escribimos.
order-declared = Recibimos tu cancelación el { $time } y la estamos tramitando.
order-declared-late = Recibimos tu cancelación el { $time }. Tarda más de lo normal en tramitarse; no hace falta que la repitas, te la confirmaremos por correo.
order-declared-withdrawal = Recibimos tu desistimiento del contrato el { $time }. Te lo confirmamos por correo.
order-declared-by-somebody = Recibimos una cancelación de este pedido el { $time }. Cuenta si se envió desde el navegador que hizo el pedido o con el correo del pedido; entonces la confirmamos por correo.
order-declared-withdrawal-by-somebody = Recibimos un desistimiento del contrato de este pedido el { $time }. Cuenta si se envió desde el navegador que hizo el pedido o con el correo del pedido; entonces lo confirmamos por correo.
order-declared-in-vain = La cancelación que recibimos el { $time } aún no ha tenido efecto. Comprueba que el correo sea el del pedido y vuelve a cancelarlo, o escríbenos.
order-refused-cancelled = Tu cancelación del { $time } no cambió nada: el pedido ya estaba cancelado.
order-refused-expired = Tu cancelación del { $time } llegó tarde y no cambió nada: el pedido había caducado.
order-refused-rejected = Tu cancelación del { $time } no cambió nada: no habíamos aceptado el pedido.
order-refused-returned = Tu cancelación del { $time } llegó tarde y no cambió nada: los libros ya habían vuelto.
order-refused-late = Tu cancelación del { $time } llegó tarde y no cambió nada: el pedido ya había salido de la librería.
order-next-late = Está tardando más de lo normal. Tu pedido está a salvo y te escribiremos en cuanto lo atendamos; vuelve a mirar más tarde.
order-next-received = Estamos comprobando las existencias.
order-next-awaiting-payment = Te hemos reservado los libros. En cuanto recibamos la transferencia, los preparamos.
order-next-confirmed-collect = Te escribiremos cuando puedas recogerlo.
order-next-confirmed-ship = Te escribiremos cuando salga.
order-next-ready = Te espera en la librería.
order-next-shipped = Va de camino.
order-next-rejected = No se ha vendido nada y no tienes que pagar nada.
order-next-expired = El plazo ha pasado y los libros vuelven a estar a la venta. No tienes que pagar nada.
order-next-cancelled = No tienes que pagar nada.
order-next-returned = Tenemos los libros que has devuelto.
order-collect-at = Lugar de recogida: { $place }
order-collect-until = Puedes recogerlo hasta el { $date }: { $place }
order-available = Pedir lo que hay
order-available-cart = Poner lo que hay en el carrito
order-lines = Libros
order-contact = Datos del pedido
order-phone = Tu teléfono
order-note = Tu nota
order-charged = Después de los cambios
order-history = Qué ha pasado
order-cancel-title = Cancelar
order-cancel-text = Mientras no haya salido de la librería, puedes cancelarlo sin coste.
order-cancel = Cancelar el pedido y desistir del contrato
order-cancel-sure = ¿Seguro que quieres cancelar el pedido completo? Te lo confirmaremos por correo.
order-cancel-confirm = Confirmar la cancelación y el desistimiento
order-cancel-keep = Mantenerlo
order-withdraw-text-until = Tienes hasta el { $date }, 14 días desde que lo recibiste, para desistir del contrato sin dar explicaciones.
order-withdraw-text = Tienes 14 días desde que lo recibiste para desistir del contrato sin dar explicaciones.
order-withdraw-text-shipped = Va de camino. Puedes desistir del contrato sin dar explicaciones desde ahora y hasta 14 días después de recibirlo.
order-withdraw = Desistir del contrato aquí
order-withdraw-sure = Declaras que desistes del contrato de todo el pedido. Te lo confirmamos por correo, con la hora.
order-withdraw-confirm = Confirmar el desistimiento
order-withdraw-keep = Quedarme los libros
order-withdrawn = Desististe del contrato el { $time }.
order-withdrawn-returned = Desististe del contrato el { $time }, y los libros han vuelto.
order-withdrawal = Desististe del contrato
order-copies-cancelled = Cancelado: { $book }.
order-copies-returned = Devuelto: { $book }.
order-copies-refund = Te devolvemos { $amount }.
order-withdrawal-received = Desistimiento recibido
withdrawal-return-costs = Los gastos de devolución corren de tu cuenta.
refund-terms = Te devolvemos todo lo que pagaste, también el envío normal, en un plazo de 14 días desde que nos comunicas que desistes; podemos esperar a tener los libros o a que demuestres que los has enviado, lo que ocurra antes.
refund-returned = Te devolvemos { $amount }, el { $date } como muy tarde.
refund-returned-if-paid = Si lo has pagado, te devolvemos { $amount }, el { $date } como muy tarde.
refund-cancelled = Te devolvemos todo lo que pagaste: { $amount }, el { $date } como muy tarde.
refund-cancelled-rest = Te devolvemos el resto de lo que pagaste: { $amount }, el { $date } como muy tarde.
refund-if-cancelled = Si lo cancelas, te devolvemos { $amount } en un plazo de 14 días.
refund-copies = Te devolvemos { $amount } por { $books }, el { $date } como muy tarde.
refund-copies-if-paid = Si lo has pagado, te devolvemos { $amount } por { $books }, el { $date } como muy tarde.
refund-parts = Te devolvemos { $amount } por los ejemplares cancelados o devueltos.
refund-parts-if-paid = Si lo has pagado, te devolvemos { $amount } por los ejemplares devueltos.
refund-in-total = Con lo que ya te devolvimos, son { $amount } en total.
refund-way-transfer = El dinero va a la cuenta desde la que pagaste.
refund-way-delivery = Como se paga al repartidor, el dinero va por transferencia: escríbenos con el número de tu cuenta (IBAN).
refund-way-collection = El dinero vuelve por el mismo medio con el que pagaste en la librería.
refund-book = «{ $title }» ({ $count ->
        [one] { $count } ejemplar
       *[other] { $count } ejemplares
    })
refund-withdrawn = Te devolvemos todo lo que pagaste, también el envío normal, el { $date } como muy tarde; podemos esperar a tener los libros o a que demuestres que los has enviado, lo que ocurra antes.
withdrawal-send-back = Devuélvenos los libros en un plazo de 14 días, el { $date } como muy tarde.
withdrawal-on-its-way = Si el paquete aún no ha llegado, puedes rechazarlo; si lo aceptas, devuélvenos los libros el { $date } como muy tarde.
withdrawal-send-to = Nuestra dirección: { $address }.
withdrawal-unpaid = Aún no has pagado: si rechazas el paquete, no debes nada. Si pagas al repartidor:
refund-late-transfer = Si ya has hecho la transferencia, te la devolvemos cuando llegue.
order-no-invoice = Esta página no es una factura. Si la necesitas, pídenosla.
order-whose = ¿Es tu pedido?
order-whose-text = Escribe el correo con el que lo hiciste y te mostramos todo.
order-show = Ver el pedido
order-wrong-email = Ese correo no es el del pedido.
line-cancelled = { $count ->
        [one] { $count } ejemplar cancelado
       *[other] { $count } ejemplares cancelados
    }
line-returned = { $count ->
        [one] { $count } ejemplar devuelto
       *[other] { $count } ejemplares devueltos
    }
line-price-above = Ahora cuesta { $price }.
line-withdrawn = Ya no lo vendemos.
line-to-order = Solo por encargo.
line-out-of-stock = Agotado.
line-other-currency = Su precio es { $price }, en otra moneda.
line-too-many = { $count ->
        [one] Se puede pedir { $count } ejemplar como mucho.
       *[other] Se pueden pedir { $count } ejemplares como mucho.
    }
rejected-lines = No hemos podido servirte todo lo que pedías; abajo está el motivo de cada libro.
rejected-delivery-price = El envío cuesta ahora { $price }.
rejected-total = El total es ahora { $price }, más de lo que viste.
rejected-too-many-open = Limitamos los pedidos sin pagar, y los ejemplares de un libro que hay en ellos, por navegador, por correo y por dirección postal, y este pedido pasa de un límite. Si tienes pedidos por pagar o recoger, cierra antes alguno; si has cancelado muchos, espera un día; o escríbenos.
rejected-delivery = Ya no ofrecemos esa entrega.
rejected-country = No enviamos a ese país.
rejected-payment = Ya no aceptamos esa forma de pago.
rejected-erased = Lo hemos borrado, como pidió quien lo hizo.
rejected-cancelled = Lo cancelaste antes de que lo confirmáramos.
transfer-title = Cómo pagarlo
transfer-holder = Titular
transfer-iban = IBAN
transfer-reference = Concepto
transfer-until = Hasta el
error-no-order = Ese pedido no existe
    .text = Puede que la dirección esté incompleta. Si tienes dudas de que tu pedido haya llegado, escríbenos.

nav-terms = Condiciones de venta
nav-accessibility = Accesibilidad
seller-tax-id = NIF
reviews-how = Cómo reunimos las reseñas
terms-seller = Quién vende
terms-delivery = Entrega
terms-ship = Envío a: { $countries }. { $price } Llega en { $days ->
        [one] { $days } día
       *[other] { $days } días
    } como mucho.
terms-contract = El pedido
    .text = Al pulsar «Pedido con obligación de pago» nos haces un pedido firme. Lo comprobamos al momento; si hay existencias al precio que viste, o a uno más bajo, queda confirmado y te lo decimos por correo. Si no, no se vende nada. Antes de enviarlo puedes corregir todo lo que has escrito. Guardamos el contrato, y lo ves en la página del pedido, en español o en inglés.
terms-prices = Precios
    .text = Los precios llevan el IVA incluido; el desglose está en cada pedido. Los libros tienen precio fijo por ley, y vendemos entre el 95 y el 100 % de ese precio. Nunca cobramos más de lo que viste al pedir. La página del pedido no es una factura: si la necesitas, pídenosla.
terms-payment = Pago
    .text = Pagas al recoger el pedido, al recibirlo o por transferencia, según lo que ofrezca la librería en cada momento. Un pedido que no se paga o no se recoge a tiempo caduca, y no debes nada.
terms-withdrawal = Derecho de desistimiento
    .text = Tienes 14 días naturales desde que recibes los libros para desistir del contrato sin justificarlo. Mientras el pedido no haya salido, basta cancelarlo en su página, en dos pasos; después, pulsa allí «Desistir del contrato aquí» o escríbenos con una declaración inequívoca: puedes usar el modelo de abajo, que no es obligatorio. Te confirmamos por correo que la hemos recibido. Devuélvenos los libros en los 14 días siguientes. { withdrawal-return-costs } { refund-terms }
terms-guarantee = Garantía
    .text = Respondemos de las faltas de conformidad durante tres años desde la entrega: si un libro tiene un defecto, te lo cambiamos o te devolvemos el dinero, sin coste para ti.
terms-complaints = Reclamaciones
    .text = Escríbenos por el formulario de contacto y te contestamos cuanto antes, en un mes como mucho. Hay hojas de reclamaciones a tu disposición en la librería, y puedes acudir a la oficina de consumo de tu municipio.
withdrawal-form = Modelo de formulario de desistimiento
    .text = (Solo tienes que rellenar y enviar este formulario si quieres desistir del contrato)
        – A la atención de { $seller }:
        – Por la presente le comunico/comunicamos (*) que desisto de mi/desistimos de nuestro (*) contrato de venta del siguiente bien (*)
        – Pedido el/recibido el (*)
        – Nombre del consumidor y usuario o de los consumidores y usuarios
        – Domicilio del consumidor y usuario o de los consumidores y usuarios
        – Firma del consumidor y usuario o de los consumidores y usuarios (solo si el presente formulario se presenta en papel)
        – Fecha
        (*) Táchese lo que no proceda.
accessibility-title = Accesibilidad
accessibility-lead = Queremos que cualquiera pueda comprar aquí. La tienda sigue las pautas WCAG 2.2, nivel AA, que recoge la norma EN 301 549.
accessibility-how = Cómo se usa
    .text = Todo funciona con el teclado, con lector de pantalla, con el texto ampliado al doble, en pantallas estrechas, sin color y sin JavaScript. Respeta los ajustes de contraste, tema oscuro y movimiento de tu sistema.
accessibility-tested = Cómo lo probamos
    .text = Cada versión pasa en un navegador las pruebas automáticas de axe y del validador de HTML, en todas las páginas y en los dos idiomas, y recorridos completos con el teclado y sin JavaScript.
accessibility-limits = Lo que falta
    .text = Ningún experto externo la ha evaluado todavía. Las reseñas las escriben los lectores y pueden estar en cualquier idioma. Los pagos por transferencia se hacen en tu banco, cuya accesibilidad no depende de nosotros.
accessibility-tell = Si encuentras una barrera
    .text = Cuéntanosla por el formulario de contacto: qué página es y qué no pudiste hacer. Te contestamos en 15 días como mucho y, mientras, te atendemos por correo o por teléfono. Si no quedas conforme, puedes dirigirte a la autoridad de vigilancia de la accesibilidad de tu comunidad autónoma.
privacy-orders = Al comprar
    .text = El carrito está en una cookie de tu navegador durante 90 días: solo tiene números de libros, cantidades y precios. Otra cookie recuerda durante 90 días la referencia de tu último pedido, para enlazarlo al pie de cada página. Con el pedido guardamos lo que escribes (nombre, correo, teléfono, dirección, nota), lo que pides y lo que pasa con él, para servirlo y para cumplir la ley: es un contrato contigo. Cuando ya no hace falta para servirlo, borramos el contacto; los importes y las fechas los conservamos los años que piden las leyes mercantiles y fiscales, también si pides que te borremos. No guardamos ningún número de tarjeta. Te escribimos solo sobre el pedido.

alert-title = Avísame cuando vuelva el libro
alert-other-address = A otra dirección
alert-own-address = Escribimos al correo de tu cuenta, salvo que pongas otro.
alert-email-optional = Otro correo (opcional)
alert-note = Te escribimos una sola vez, cuando haya ejemplares. Si aún no conocemos tu dirección, antes te llega un correo para que la confirmes.
submission-alert-title = Aviso de un libro
submission-alert-published = Anotado. Te escribimos cuando el libro vuelva. Si aún no has confirmado tu dirección, te llega antes un correo con un enlace, en unos minutos y como mucho uno al día: sin esa confirmación no te escribimos más.
submission-alert-rejected = No hemos podido anotarlo.
submission-confirmation-title = Aviso de un libro
submission-confirmation-published = Tu dirección está confirmada. Te escribimos una sola vez, cuando el libro vuelva.
submission-confirmation-rejected = No hemos podido confirmarla.
alert-confirm = Confirma tu dirección
    .text = Con este botón confirmas que quieres un correo cuando el libro vuelva. Será uno solo.
alert-confirm-button = Sí, avísame
alert-expired = El enlace ha caducado
    .text = Los enlaces para confirmar valen siete días. Puedes pedir el aviso otra vez en la ficha del libro.
alert-end = No quiero el aviso
    .text = Con este botón borramos tu dirección de este aviso y no te escribimos más sobre este libro.
alert-end-button = Borrar el aviso
alert-ended = Aviso borrado
    .text = No te escribiremos más sobre este libro.
reply-mail-copy = Copia de la respuesta a { $to }
reply-mail-quote = El { $time } escribiste:
alert-mail-confirm-subject = Confirma que quieres un aviso – { $shop }
alert-mail-confirm = Hola: alguien ha pedido en { $shop } que te escribamos cuando vuelva a haber ejemplares de { $book }.
alert-mail-confirm-link = Si has sido tú, confírmalo aquí en siete días: { $address }
alert-mail-confirm-ignore = Si no has sido tú, no hagas nada: no te escribiremos sobre este libro.
alert-mail-back-subject = «{ $title }» ha vuelto
alert-mail-back = Hola: { $shop } vuelve a tener { $book }. Nos pediste que te avisáramos.
alert-mail-back-link = Aquí está el libro: { $address }
alert-mail-back-once = Es el único aviso sobre este libro; no te lo guardamos, y puede agotarse otra vez.
alert-mail-end = Para que borremos este aviso: { $address }
reason-in-stock = El libro está disponible: puedes comprarlo ya.
reason-too-many-alerts = Hay demasiadas peticiones de aviso por hoy. Prueba mañana.
reason-no-verified-email = Tu cuenta no tiene un correo verificado, o ya no has entrado en ella. Entra otra vez, o escribe una dirección.
reason-no-such-alert = Ese aviso ya se borró o caducó. Puedes pedirlo otra vez en la ficha del libro.
privacy-alerts = Si pides un aviso
    .text = Cuando pides que te avisemos de que un libro ha vuelto, guardamos tu correo, el libro y el idioma. Solo te escribimos si confirmas la dirección por el enlace de un correo, o si tu cuenta la tiene verificada. Cada correo lleva un enlace que borra el aviso. Lo que nadie confirma se borra a los siete días; un aviso enviado, siete días después; y uno que no llega, al año. Para que nadie te llene el buzón guardamos, como mucho dos meses, un resumen cifrado de la dirección a la que hemos pedido una confirmación.

privacy-account = Si tienes una cuenta
    .text = Amazon Cognito, un servicio de Amazon Web Services, nos guarda tu correo y tu contraseña; la contraseña no la vemos nunca. Nosotros guardamos tu correo, el idioma, el carrito, la lista de deseos y las direcciones que guardes, en qué navegadores has entrado, y qué pedidos y valoraciones son tuyos, también los de antes en el mismo navegador. Una cookie dice durante doce horas que has entrado, y otra tiene durante 90 días los números de los últimos libros de tu lista. Al salir se borran, y el navegador vuelve a ser un visitante cualquiera. En tu cuenta ves, cambias, descargas y borras todo lo que guardamos; al borrarla se borran también el correo y la contraseña que guarda Amazon Cognito, como mucho en un día.
account-title = Mi cuenta
account-nav = Tu cuenta
account-signed-in = Has entrado como
account-unverified = Tu correo no está verificado, así que aquí no salen los pedidos que hiciste sin entrar.
account-new = Estamos preparando tu cuenta. Tarda unos segundos.
account-orders = Mis pedidos
account-order = Pedido { $number }
account-no-orders = Todavía no tienes pedidos.
account-ratings = Mis valoraciones
account-no-ratings = Todavía no has valorado ningún libro.
account-rating-change = Cambiar o borrar
account-rating-hidden = La tienda ha ocultado esta valoración: solo la ves tú.
account-rating-delete = Borrar mi valoración
account-rating-delete-text = Desaparece de la ficha del libro, y sus estrellas dejan de contar.
account-changed = Ha cambiado entretanto, quizá en otra ventana. Ahora está así; si guardas, tu versión la sustituye.
account-wishlist = Mi lista de deseos
wishlist-none = Aún no hay ningún libro en tu lista. En la ficha de un libro puedes añadirlo.
wishlist-see = Ver la lista
wishlist-offered = ¿Añadimos este libro a tu lista?
wishlist-there = Este libro ya está en tu lista.
wishlist-full = En tu lista caben { $count } libros, y está completa. Quita alguno para añadir otro.
wishlist-added-on = Añadido el { $date }
wish-add = A mi lista de deseos
wish-remove = Quitar de mi lista
wish-added = Añadido a tu lista de deseos.
wish-removed = Quitado de tu lista de deseos.
account-addresses = Mis direcciones
account-no-addresses = No has guardado ninguna dirección.
account-language = Idioma
account-language-choose = ¿En qué idioma quieres la tienda? Los correos sobre un pedido van en el idioma en que lo hiciste.
account-save = Guardar
account-newest = Volver a lo más reciente
account-older = Anteriores
account-data = Mis datos
account-data-text = Puedes descargar todo lo que la tienda guarda de ti, en un archivo que leen los programas (JSON): pedidos, valoraciones, lista de deseos, direcciones, mensajes a la tienda y ajustes. Lo que no cabe en un archivo va en otros: `next`, al final de cada uno, lleva al siguiente.
account-data-download = Descargar mis datos
account-data-pool = Tu contraseña no está: no la tenemos. El servicio de acceso la guarda de una forma que nadie puede leer.
account-sign-out = Salir en todas partes
account-sign-out-text = Cierra tu sesión en este navegador y en todos los demás, por ejemplo porque has perdido un teléfono.
account-erase = Borrar mi cuenta
account-erase-goes = Lo que se borra
    .text = Tus valoraciones y reseñas, tu lista de deseos, tus direcciones, tus mensajes a la tienda, tus ajustes, y el nombre, el correo, el teléfono y la dirección de tus pedidos. Un pedido que sigue en marcha los conserva hasta que se cierre. Se cierra tu sesión en todas partes.
account-erase-stays = Lo que la ley conserva
    .text = Los importes, las fechas y los libros de tus pedidos, sin tu nombre: las leyes mercantiles y fiscales los exigen durante años.
account-erase-pool = El servicio de acceso borra también tu acceso (correo y contraseña), como mucho en un día. Para volver a tener una cuenta, te registras de nuevo.
account-erase-sure = ¿Seguro?
account-erase-next = Continuar
account-erase-confirm = Borrar mi cuenta para siempre
account-erase-keep = Conservarla
account-erased = Estamos borrando tu cuenta. Tarda como mucho unos minutos.
address-new = Añadir una dirección
address-change = Cambiar la dirección
address-delete = Borrar esta dirección
address-default = Tu dirección habitual
address-make-default = Usarla como mi dirección habitual
address-full = { $count ->
    [one] Puedes guardar una dirección.
   *[other] Puedes guardar { $count } direcciones. Borra una para añadir otra.
}
verified-purchase = Compra verificada

country-AD = Andorra
country-AT = Austria
country-BE = Bélgica
country-BG = Bulgaria
country-CH = Suiza
country-CY = Chipre
country-CZ = Chequia
country-DE = Alemania
country-DK = Dinamarca
country-EE = Estonia
country-ES = España
country-FI = Finlandia
country-FR = Francia
country-GB = Reino Unido
country-GR = Grecia
country-HR = Croacia
country-HU = Hungría
country-IE = Irlanda
country-IT = Italia
country-LT = Lituania
country-LU = Luxemburgo
country-LV = Letonia
country-MT = Malta
country-NL = Países Bajos
country-NO = Noruega
country-PL = Polonia
country-PT = Portugal
country-RO = Rumanía
country-SE = Suecia
country-SI = Eslovenia
country-SK = Eslovaquia
country-without = { $country } (salvo { $parts })
country-except-DE = Heligoland y Büsingen
country-except-ES = Canarias, Ceuta y Melilla
country-except-FI = Åland
country-except-FR = los territorios de ultramar
country-except-GR = el monte Athos
country-except-IT = Campione y Livigno

nav-sign-in = Entrar
nav-account = Mi cuenta
session-ended = Tu sesión ha terminado
    .text = No hemos guardado nada. Una sesión dura doce horas como mucho, y termina antes si sales en todas partes. Vuelve a entrar.
sign-in-first = Antes tienes que entrar
    .text = Esto se guarda en tu cuenta, y este navegador no ha entrado en ninguna.
sign-in-typed = Lo que escribiste sigue aquí: entra en otra pestaña, vuelve a esta y continúa.
sign-in-continue = Continuar con lo que escribí
sign-in-again = Volver a entrar
sign-in-help = Si sigue pasando, escríbenos.
sign-in-not-here = Aquí no hay cuentas
    .text = Sin cuenta puedes buscar libros, valorarlos y escribirnos.
sign-in-lost = Empecemos de nuevo
    .text = Empezaste a entrar en otra ventana o en otro navegador, o hace más de media hora. No ha pasado nada: vuelve a empezar en esta ventana. Si tu navegador bloquea las cookies, permite las de esta tienda.
sign-in-used = Esta entrada ya se ha usado
    .text = Cada una sirve una sola vez y durante unos minutos. Si no has llegado a entrar, vuelve a hacerlo.
sign-in-denied = No has entrado
    .text = La entrada se detuvo antes de terminar. Puedes intentarlo otra vez o seguir sin cuenta.
sign-in-unverified = Falta confirmar tu correo
    .text = Vuelve a entrar y escribe el código que enviamos a tu dirección. Si no te ha llegado, pide otro allí.
sign-in-unusable = La tienda no puede usar este correo
    .text = Tu cuenta está confirmada, pero su dirección tiene una forma a la que la tienda no puede escribir, por ejemplo con comillas. Vuelve a entrar y regístrate con otra dirección.
sign-in-clock = No hemos podido comprobar la entrada
    .text = El reloj de la tienda y el de su servicio de entrada no coinciden. Es culpa nuestra, no tuya. Inténtalo de nuevo dentro de unos minutos.
sign-in-away = El servicio de entrada no responde
    .text = Es culpa nuestra, no tuya. Inténtalo de nuevo dentro de un minuto. Tu cesta está a salvo, y puedes seguir sin cuenta.
sign-out = Salir
    .text = Tu cuenta se queda como está. Este navegador olvida tu cesta y tu último pedido, para que la siguiente persona no los vea.
staff-sign-out = Salir de las páginas del personal
    .text = Si también has entrado como cliente, esa sesión sigue abierta.
staff-again-typed = Lo que escribiste
staff-again-send = Enviarlo otra vez
staff-again-title = No se ha hecho nada
staff-session-ended = Tu sesión ha terminado
    .text = No ha cambiado nada. Una sesión del personal dura una hora. Vuelve a entrar.
sign-out-button = Salir en este navegador
signed-out = Has salido
    .text = Este navegador ya no sabe quién eres.
signing-out = Un momento: también se cierra la página de entrada.
signing-out-continue = Continuar

staff-title = Personal
staff-nav = Páginas del personal
staff-shop = La tienda
staff-lists = Listas
staff-signed-in = Has entrado como { $email }
staff-waiting = Qué está pendiente
staff-nothing = No hay nada pendiente.
staff-at-least = { $count } o más
staff-find-order = Número de un pedido
staff-find = Buscar
staff-orders = Pedidos
staff-orders-open = Abiertos
staff-orders-to-pick = Por preparar para recoger
staff-orders-to-ship = Por enviar
staff-orders-withdrawn = Libros por volver
staff-orders-all = Todos
staff-orders-others = Pedidos cerrados
staff-no-orders = No hay pedidos así.
staff-collect = Se recoge en la tienda
staff-ship = Se envía
staff-paid = pagado
staff-unpaid = sin pagar
staff-withdrawn = El comprador ha desistido del contrato; los libros tienen que volver.
staff-mail-failed = Un correo al comprador ha vuelto.
staff-expires = Caduca:
staff-mail-sent = El comprador recibe un correo, salvo cuando los libros cambian de manos.
staff-do-paid = Ha llegado la transferencia
staff-do-ready = Listo para recoger
staff-do-shipped = Enviado
staff-do-collected = Recogido y pagado
staff-do-delivered = Entregado
staff-cancel = Cancelar libros
staff-cancel-copies = Cancelar estos ejemplares
staff-cancel-all = Cancelar todo el pedido
staff-return = Recibir libros de vuelta
staff-return-copies = Estos ejemplares han vuelto
staff-return-all = Ha vuelto todo el pedido
staff-changed = Ha cambiado entretanto, quizá por otra persona. No se ha hecho nada; la página lo muestra como está ahora.
staff-expired = Has vuelto a entrar desde que se mostró esta página. No se ha hecho nada; pulsa el botón otra vez, por favor.
staff-refused = Con este pedido no se puede. No se ha hecho nada.
staff-refused-state = No se puede, porque el pedido está así: { $state }. No se ha hecho nada.
staff-refused-copies = { $count ->
    [one] A esta línea le queda un ejemplar. No se ha hecho nada.
   *[other] A esta línea le quedan { $count } ejemplares. No se ha hecho nada.
}
staff-refused-line = El pedido no tiene ese libro. No se ha hecho nada.
staff-refused-paid = El pedido está pagado. No se ha hecho nada.
staff-note = Albarán
staff-name = Nombre
staff-email = Correo electrónico
staff-phone = Teléfono
staff-buyer-note = Nota del comprador
staff-picks = Lista de preparación
staff-nothing-to-pick = No hay nada que sacar de los estantes.
staff-picks-more = { $count ->
    [one] Esta lista tiene el pedido más antiguo que espera. Hay más pedidos.
   *[other] Esta lista tiene los { $count } pedidos más antiguos que esperan. Hay más pedidos.
}
staff-picks-next = Los pedidos siguientes
staff-picks-oldest = Los pedidos más antiguos
staff-messages = Mensajes
staff-messages-open = Mensajes abiertos
staff-messages-answered = Mensajes contestados
staff-messages-all = Todos los mensajes
staff-no-messages = No hay mensajes.
staff-message = Mensaje { $number }
staff-search = Palabras de un mensaje, o una dirección de correo
staff-search-in = En
staff-search-more = Puede haber mensajes más antiguos que coincidan.
staff-of-sender = Todos los mensajes de la dirección de:
staff-same-sender = Todos los mensajes de este remitente
staff-open = Abierto
staff-answered = Contestado
staff-reply = Contestar por correo
staff-reply-label = Respuesta
staff-reply-text = Se envía a { $email } en unos minutos, con el nombre de la tienda y el mensaje debajo, y se guarda con el mensaje. Lo que conteste llega al buzón de la tienda.
staff-reply-language = Idioma del resto del correo: { $language }.
staff-reply-copy = Enviar una copia al buzón de la tienda
staff-reply-send = Enviar la respuesta
staff-replies = Respuestas
staff-reply-waits = Se envía en unos minutos.
staff-reply-sent = Enviada
staff-reply-failed = Ha vuelto:
staff-reply-copied = con copia a la tienda
staff-mark-answered = Marcar como contestado
staff-reopen = Volver a abrirlo
staff-reviews = Reseñas
staff-reviews-all = Todas las reseñas
staff-reviews-hidden = Reseñas ocultas
staff-no-reviews = No hay reseñas.
staff-review = Reseña { $number }
staff-hidden = Oculta
staff-shown = Visible
staff-hide = Ocultar
staff-hide-reason = Por qué se oculta
staff-hide-text = Sus estrellas dejan de contar, y quien la escribió no puede volver a valorar el libro. El motivo es solo para el personal.
staff-reason-hint = No escribas aquí nombres de clientes: el motivo se guarda un año.
staff-unused-reason = Habías escrito este motivo, que no se ha usado:
staff-unhide = Volver a mostrarla
staff-reviews-of = Reseñas de un visitante
staff-same-visitor = Todas las reseñas de este visitante
staff-hide-all = Ocultar todas las visibles: { $count }
staff-hide-all-text = Se ocultan todas las reseñas de este visitante que ahora están visibles, por un mismo motivo. Aquí puedes volver a mostrarlas.
staff-unhide-all = Volver a mostrar todas las ocultas: { $count }
staff-unhide-all-text = Se vuelven a mostrar todas las reseñas de este visitante que ahora están ocultas, también las que alguien ocultó una a una.
staff-log = Quién hizo qué
staff-log-text = Lo que el personal ha hecho en estas páginas durante el último año.
staff-log-empty = Todavía nada.
staff-log-refused = no fue posible
staff-did-paid = marcó como pagado
staff-did-ready = marcó como listo
staff-did-shipped = marcó como enviado
staff-did-collected = marcó como recogido
staff-did-delivered = marcó como entregado
staff-did-cancel = canceló
staff-did-return = recibió de vuelta
staff-did-answered = marcó como contestado
staff-did-reopen = volvió a abrir
staff-did-reply = contestó por correo
staff-did-hide = ocultó
staff-did-unhide = volvió a mostrar
staff-did-add = añadió
staff-did-change = cambió
staff-did-withdraw = retiró de la venta
staff-did-put-back = volvió a poner a la venta
staff-did-received = recibió ejemplares
staff-did-counted = contó ejemplares
staff-did-damaged = dio de baja ejemplares
staff-books = Libros
staff-book = Libro { $number }
staff-find-book = ISBN, número o palabras de un libro
staff-books-found = Libros con «{ $words }»
staff-no-books = No hay libros así.
staff-more = Más
staff-list-begin = Volver al principio
staff-book-new = Añadir un libro
staff-book-new-text = Todavía no tiene ejemplares: entran en la página de existencias.
staff-book-add = Añadir este libro
staff-book-save = Guardar
staff-book-in-shop = Verlo en la tienda
staff-book-changed = Este libro ha cambiado entretanto, quizá por otra persona. No se ha guardado nada. Abajo está lo que es distinto de lo que has escrito, que sigue en el formulario; si guardas otra vez, vale lo que has escrito.
staff-isbn-taken = No se ha guardado nada, porque otro libro tiene este ISBN:
staff-isbn-unknown = Ningún libro tiene el ISBN o el número { $isbn }.
staff-too-few = { $count ->
    [0] No hay ejemplares. No se ha hecho nada.
    [one] Solo hay un ejemplar. No se ha hecho nada.
   *[other] Solo hay { $count } ejemplares. No se ha hecho nada.
}
staff-too-few-free = Ejemplares que no espera ningún pedido: { $stock }. Los pedidos abiertos esperan { $waited }. No se ha hecho nada. Si hay menos de los que esperan los pedidos, cancela antes ejemplares en las páginas de esos pedidos, y cuenta después.
staff-now = Ahora:
staff-typed = Has escrito:
staff-none = nada
staff-facts = Datos del libro
staff-fact-title = Título
staff-fact-authors = Autores
staff-fact-isbn = ISBN
staff-fact-price = Precio, con IVA
staff-fact-fixed-price = Precio fijado por la editorial
staff-fact-vat-rate = Tipo de IVA
staff-fact-publisher = Editorial
staff-fact-publisher-contact = Dirección postal de la editorial, y correo o web
staff-fact-description = Descripción
staff-authors-hint = Autores, separados por punto y coma
staff-vat-rate-hint = Tipo de IVA en porcentaje; en blanco, el de los libros de la tienda
staff-genres-hint = Otros géneros: claves como science-fiction, separadas por punto y coma
staff-language-hint = Idioma: un código como es, en o pt-BR
staff-year-hint = Año de la primera publicación, negativo antes de nuestra era
staff-blank-removes = Un campo que dejas en blanco se quita del libro.
staff-supplier = El próximo archivo del proveedor { $supplier } vuelve a poner lo que diga.
staff-catalogue = El próximo fichero del catálogo propio de la tienda vuelve a poner lo que indique.
staff-counted-before = Este formulario ya se envió con otro número, y aquel se contó. Ahora no se ha hecho nada. Si estos ejemplares también han llegado, pulsa el botón otra vez.
staff-added-before = Este formulario ya ha añadido un libro. Ahora no se ha hecho nada. Si este es otro libro, pulsa el botón otra vez; si no, cambia el primero:
staff-doubts = Aún no se ha guardado nada. Míralo otra vez y, si es lo que quieres, marca la casilla al final del formulario:
staff-doubt-genre = La tienda aún no tiene el género { $genre }: sería nuevo.
staff-doubt-no-price = Se quitaría el precio { $before }: sin precio nadie puede comprar el libro.
staff-doubt-price = El precio cambiaría de { $before } a { $after }.
staff-sure = Es lo que quiero
staff-goods-again = Este formulario ya se había enviado ({ $moment }) y cuenta una vez. Si han llegado más ejemplares, escanea el libro otra vez.
staff-copies = { $count ->
    [0] Ningún ejemplar
    [one] 1 ejemplar
   *[other] { $count } ejemplares
}
staff-sold = { $count ->
    [0] ninguno vendido en 30 días
    [one] 1 vendido en 30 días
   *[other] { $count } vendidos en 30 días
}
staff-stock = Existencias
staff-stock-now = Ejemplares
staff-stock-change = Ejemplares
staff-stock-kind = Qué ha pasado
staff-stock-copies = Cuántos ejemplares
staff-stock-reason = Motivo o albarán
staff-stock-hint = Contados son todos los ejemplares que hay en la tienda, también los apartados; se restan los que esperan los pedidos abiertos. Los ejemplares de un pedido vuelven en la página del pedido.
staff-stock-save = Cambiar el número de ejemplares
staff-moved-opening = Existencias iniciales
staff-moved-received = Recibidos
staff-moved-sold = Vendidos
staff-moved-released = Liberados de un pedido
staff-moved-returned = Devueltos de un pedido
staff-moved-counted = Contados
staff-moved-damaged = Dañados, perdidos o devueltos
staff-goods-in = Entrada de libros
staff-scan = ISBN o número de un libro
staff-delivery-note = Albarán, que se queda para los siguientes libros
staff-goods-next = Siguiente
staff-goods-receive = Recibir
staff-goods-other = Otro libro
staff-goods-done = { $count ->
    [one] 1 ejemplar recibido:
   *[other] { $count } ejemplares recibidos:
}
staff-running-out = Se acaban, primero los más vendidos
staff-left = { $count ->
    [0] Agotados en los últimos 30 días
    [one] 1 ejemplar
   *[other] { $count } ejemplares
}
staff-sale = A la venta
staff-sale-reason = Por qué
staff-withdraw = Retirarlo de la venta
staff-withdraw-text = Conserva su ficha y sus valoraciones, y nadie puede comprarlo; su precio espera hasta que vuelva. Los pedidos ya hechos siguen adelante.
staff-put-back = Volver a ponerlo a la venta
staff-searches = Búsquedas sin resultados
staff-searches-text = Lo que se buscó en toda la tienda y no se encontró, primero lo más frecuente. No se guarda quién lo buscó.
staff-times = Veces
staff-did-preview = subió
staff-did-import = mandó importar
staff-previews = Archivos vistos y sin importar
staff-imports = Importaciones
staff-import = Importación { $number }
staff-preview = Vista previa { $number }
staff-import-upload = Subir un archivo de libros
staff-import-upload-text = Un archivo CSV con el formato del catálogo, de hasta 20 MB y 50.000 filas. Primero ves qué haría; nada cambia antes de que lo mandes importar. El formulario vale diez minutos; después, vuelve a cargar esta página.
staff-import-upload-encoding = Caracteres del archivo
staff-import-upload-unicode = UTF-8 o UTF-16
staff-import-upload-windows = Windows-1252, como lo guardan hojas de cálculo antiguas
staff-import-upload-file = Archivo
staff-import-upload-send = Subir y ver
staff-uploaded = El archivo está subido
staff-uploaded-text = Su vista previa empieza pronto. Los archivos se leen uno tras otro.
staff-imports-before = Archivos anteriores
staff-no-imports = No hay importaciones.
staff-import-wait = Esta página muestra por sí sola cuándo ha terminado.
staff-import-running = Se está leyendo, hasta la línea { $line }
staff-import-stuck = Interrumpida en la línea { $line }
staff-import-failed = El archivo se ha rechazado entero
staff-import-done = Importado
staff-preview-done = Leído; nada ha cambiado
staff-preview-run = Entregado a la importación
staff-import-added = { $count ->
    [one] { $count } nuevo
   *[other] { $count } nuevos
}
staff-import-changed = { $count ->
    [one] { $count } cambiado
   *[other] { $count } cambiados
}
staff-import-unchanged = { $count } sin cambios
staff-import-refused = { $count ->
    [one] { $count } rechazado
   *[other] { $count } rechazados
}
staff-import-ignored = { $count ->
    [one] { $count } celda ignorada
   *[other] { $count } celdas ignoradas
}
staff-import-run = Importar este archivo
staff-import-run-text = La importación decide según los libros que haya entonces, así que sus números pueden ser otros.
staff-import-newer = Otra importación ha cambiado libros desde esta vista previa.
staff-import-do = Importar
staff-import-asked = El archivo espera a ser importado.
staff-import-nothing = No hay nada que importar.
staff-import-gone = El archivo de esta vista previa ya no se guarda. No se ha hecho nada; súbelo otra vez.
staff-import-replaced = Con el mismo formulario se ha subido otro archivo, que tiene su propia vista previa. No se ha hecho nada.
staff-import-changes = Libros cambiados
staff-import-new = Libros nuevos
staff-import-refusals = Filas rechazadas
staff-import-cells = Celdas ignoradas
staff-import-line = línea { $line }
staff-import-before = Antes:
staff-import-after = Después:
staff-import-some = Solo se muestran las primeras { $count }.
staff-import-csv = Filas rechazadas en CSV
staff-import-csv-text = Para corregirlas y subirlas otra vez. Los motivos están en las últimas columnas, que una importación no lee. El archivo acaba a los 600 KB.
