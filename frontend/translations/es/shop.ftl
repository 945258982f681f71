# Los textos de la tienda. De tú, en frases cortas.

shop-in-short = Anaquel, una librería en la que explorar libros y leer lo que opinan otros lectores.
skip = Saltar al contenido
language-own-name = Español
nav = Principal
nav-books = Libros
nav-genres = Géneros
nav-contact = Contacto
nav-about = Quiénes somos
nav-privacy = Privacidad
nav-api = API

search = Buscar
search-label = Buscar por título, autor o ISBN
search-hint = Título, autor o ISBN
see-all = Ver todos
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
stock-none = Agotado
stock-to-order = No lo tenemos, pero te lo pedimos
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
form-too-large = Es demasiado largo. Acórtalo un poco: todo lo que escribiste sigue aquí.
form-unavailable = Ahora mismo no podemos recibirlo. Todo lo que escribiste sigue aquí: vuelve a intentarlo en un minuto.

error-title = Error:
blank-name = Escribe tu nombre.
blank-subject = Escribe un asunto.
blank-message = Escribe tu mensaje.
what-name = El nombre
what-email = El correo
what-subject = El asunto
what-message = El mensaje
what-review = La reseña
what-q = La búsqueda
what-genre = El género
what-language = El idioma
what-author = El autor
what-sort = El orden
what-other = La dirección
reason-blank = { $what } no puede quedar en blanco.
reason-too-long = { $what } admite { $a } caracteres, y has escrito { $b }.
reason-too-long-by-unknown = { $what } admite { $a } caracteres.
reason-email = Escribe tu correo completo, como ana@example.org.
reason-phone = Escribe un teléfono como +34 600 123 123.
reason-postal-code = Escribe un código postal del país.
reason-country = Elige un país.
reason-card-number = No escribas aquí el número de una tarjeta; la librería nunca lo pide.
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
    .text = Reunimos el catálogo de fuentes abiertas y dibujamos nosotros las cubiertas, a partir del título y los autores. Si un libro no lo tenemos, pídenoslo desde su ficha. Todavía no vendemos por la web: los precios son orientativos.
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
    .text = Lo guardamos mientras la tienda exista o hasta que pidas borrarlo. Escríbenos desde el mismo navegador: tu mensaje lleva ese número al azar, y con él borramos todo lo que enviaste.
api-title = La tienda para programas
api-lead = El catálogo, los autores, los géneros y las valoraciones están también en JSON. El documento OpenAPI lo describe en inglés.
api-document = Documento OpenAPI 3.1 (JSON)
suggestions = Sugerencias
