# Los textos de la tienda. De tú, en frases cortas.

shop-in-short = Anaquel, una librería en la que explorar libros y leer lo que opinan otros lectores.
skip = Saltar al contenido
language-own-name = Español
nav = Principal
nav-books = Libros
nav-genres = Géneros
nav-contact = Contacto
nav-about = Acerca de
nav-privacy = Privacidad
nav-api = Para programas

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
home-today = La mesa del { $date }
shelf-best-rated = Los mejor valorados
shelf-most-read = Los más leídos
shelf-newest = Lo más nuevo
shelf-by-author = Más libros de { $author }
shelf-also-rated = Quienes lo valoraron también leyeron
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
nothing-so-far = En esta parte del catálogo no hay ninguno. Sigue buscando más abajo.
ask-the-shop = Preguntar a la librería
suggestion-meant = Quizá querías decir esto
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
filters-active = Filtros puestos
filter-remove = Quitar el filtro
filter-from-stars = Desde { $stars } estrellas
filter-up-to = Hasta { $amount }
filter-in-stock = Solo disponibles
genre = Género
language = Idioma
rating = Valoración
price-max = Precio máximo
sort = Orden
all-genres = Todos los géneros
all-languages = Todos los idiomas
any-rating = Todas
apply = Aplicar
sort-relevance = Relevancia
sort-popular = Más leídos
sort-rating = Mejor valorados
sort-newest = Más nuevos
sort-title = Título
sort-price = Precio
nothing-found = No hemos encontrado ningún libro. Prueba con menos palabras o quita algún filtro.
did-you-mean = ¿Querías decir
all-books = Ver todos los libros
from-the-start = Volver al principio
more-books = Más libros
no-books = Ahora no tenemos ninguno de sus libros.
out-of-stock = Agotado
to-order = Por encargo

stars = Estrellas
share = Parte
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
older-ratings = Valoraciones anteriores
anonymous = Anónimo
rate-it = Valorar
rate-title = Tu valoración
your-stars = ¿Cuántas estrellas le das?
your-review = Tu opinión (si quieres)
your-name = Tu nombre
your-name-optional = Tu nombre (si quieres)
rate-note = Se publica con la fecha. Si lo valoras otra vez desde este navegador, la nueva sustituye a la anterior.
rate-send = Publicar valoración

contact-title = Escríbenos
contact-lead = Una pregunta, un libro que no encuentras, un error en una ficha: te contestamos por correo.
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
form-too-large = Es demasiado largo para enviarlo. Acórtalo; todo sigue aquí.
form-unavailable = Ahora mismo no podemos recibirlo. Todo lo que escribiste sigue aquí: prueba otra vez en un minuto.

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
reason-marks = Una letra puede llevar { $a } tildes o signos como mucho.
reason-stars = Elige de { $a } a { $b } estrellas.
reason-amount = Escribe un precio como 20 o 19,95.
reason-unknown = { $what } no se entiende.
reason-no-such-book = Ese libro ya no está en la tienda.
reason-hidden = La tienda la ha ocultado.
reason-hidden-before = La tienda ocultó tu valoración anterior de este libro.
reason-erased = Se borró, como pidió quien lo escribió.
reason-later-rating = Enviaste después otra valoración de este libro; cuenta esa.

submission-title = Tu envío
submission-received = Recibido. Lo estamos anotando…
submission-wait = Suele tardar unos segundos.
submission-check = Comprobar ahora
submission-published = Listo: ha llegado y está anotado. ¡Gracias!
submission-rejected = No hemos podido aceptarlo.
submission-number = Número:

error-not-found = Aquí no hay nada
    .text = Puede que el libro haya cambiado de sitio o que la dirección tenga una errata. Búscalo:
error-too-large = Es demasiado largo
    .text = Lo que se envió pesa más de lo que admitimos. Vuelve atrás y acórtalo.
error-unavailable = Volvemos enseguida
    .text = La tienda no llega ahora a su almacén. Prueba otra vez dentro de un minuto.
error-request = No entendemos la petición
    .text = Algo de la dirección o del formulario no es como debería. Vuelve atrás, o busca:
error-internal = Se nos ha caído un libro
    .text = El error es nuestro y ha quedado apuntado. Prueba otra vez, o busca:
request-id = Si nos escribes, cita este número:

about-title = Acerca de Anaquel
about-lead = Anaquel es una librería pequeña sin servidor propio: cada página la sirve una función que solo existe mientras hace falta.
about-1 = Los libros
    .text = El catálogo se importa de ficheros abiertos. Las cubiertas las dibujamos nosotros a partir del título y los autores.
about-2 = Las valoraciones
    .text = Cualquiera puede valorar un libro, lo haya comprado aquí o no: no comprobamos si quien valora lo ha leído. Desde un mismo navegador cuenta una sola valoración por libro, la última. Publicamos todas según llegan, buenas y malas, y no pagamos por ninguna; solo ocultamos las que insultan, hacen publicidad o revelan datos de otras personas, y entonces tampoco cuentan.
about-3 = Las notas
    .text = La nota que ves es la media de todas las valoraciones, sin retoques. Algunas vienen con el catálogo, de lectores de otros sitios: la ficha del libro dice cuántas y de dónde. No las hemos comprobado nosotros. Para ordenar y filtrar por valoración usamos otra media, como si cada libro tuviera además 25 valoraciones de 3,5: así un solo voto no adelanta a mil lectores contentos.
about-4 = El código
    .text = Todo lo que ves es software libre, con licencia MIT o Apache 2.0.
write-to-us = Escríbenos
privacy-title = Privacidad
privacy-lead = Puedes mirar toda la tienda sin decirnos quién eres. No hay rastreadores ni anuncios, y ninguna página pide nada a otros sitios.
privacy-visitor = Al enviar una valoración o un mensaje
    .text = Tu navegador recibe una cookie con un número al azar. Sirve para que una segunda valoración del mismo libro sustituya a la primera, y no dice quién eres.
privacy-language = Al elegir idioma
    .text = Si cambias de idioma, una cookie recuerda cuál. Nada más.
privacy-typed = Lo que escribes
    .text = Las valoraciones son públicas, con el nombre que pongas o sin ninguno. Los mensajes los lee solo la tienda, y el correo se usa para contestar.
privacy-logs = Los registros
    .text = Anotamos cuánto tarda cada petición y si falla y, durante un tiempo limitado, desde qué dirección de red llegó y qué página pedía, también las búsquedas: así descubrimos a quien abusa de la tienda. Lo que escribes en los demás formularios no se anota ahí.
privacy-erase = Borrarlo
    .text = Lo guardamos mientras la tienda exista o hasta que pidas borrarlo. Escríbenos desde el mismo navegador: tu mensaje lleva ese número al azar, y con él borramos todo lo que enviaste.
api-title = La tienda para programas
api-lead = Todo lo que ves está también en JSON. El documento OpenAPI lo describe en inglés.
api-document = Documento OpenAPI 3.1 (JSON)
suggestions = Sugerencias
