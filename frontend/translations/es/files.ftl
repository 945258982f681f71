## Cubiertas y capítulos de muestra

cover-by = Imagen de la cubierta
sample-link = Capítulo de muestra (PDF, { $pages ->
        [one] una página
       *[other] { $pages } páginas
    }, { $size })

pages-count = { $count ->
        [one] una página
       *[other] { $count } páginas
    }

staff-files = Cubierta y capítulo de muestra
staff-files-of = Cubierta y capítulo de muestra: { $title }
staff-cover = Cubierta
staff-cover-none = El libro no tiene imagen. La tienda muestra una cubierta dibujada.
staff-cover-size = { $size } píxeles
staff-cover-by = Imagen: { $name }
staff-cover-remove = Quitar la cubierta
staff-cover-upload = Subir una cubierta
staff-cover-file = Imagen de la cubierta
staff-cover-help = JPEG, PNG o WebP, de al menos { $min } píxeles de ancho y como mucho { $max }.
staff-cover-use = Usar esta cubierta
staff-cover-credit = Quién hizo la imagen
staff-sample = Capítulo de muestra
staff-sample-none = El libro no tiene capítulo de muestra.
staff-sample-remove = Quitar el capítulo de muestra
staff-sample-upload = Subir un capítulo de muestra
staff-sample-file = PDF del capítulo
staff-sample-help = Un PDF de como mucho { $pages } páginas y { $max }, sin programas, archivos adjuntos ni contraseña.
staff-sample-use = Usar este capítulo de muestra
staff-upload = Subir
staff-upload-minutes = El formulario se puede enviar durante diez minutos. Después, vuelve a cargar esta página.
staff-upload-checked = Nada cambia en la tienda hasta que hayas visto el archivo comprobado y lo uses.
staff-checking = Estamos comprobando el archivo.
staff-checking-text = Esta página muestra el resultado en unos segundos. Si tarda más de unos minutos, sube el archivo otra vez.
staff-checking-again = Mirar otra vez
staff-upload-unknown = Aquí no hay ningún archivo comprobado
staff-upload-unknown-text = La subida ha caducado, o no se pudo comprobar. Sube el archivo otra vez.
staff-file-gone = El archivo comprobado ya no se guarda. Súbelo otra vez.
staff-file-still-there = El cambio está hecho y el libro ya no tiene el archivo anterior. Pero el archivo no se ha podido quitar del almacén, donde los visitantes quizá lo encuentren aún: avisa a la persona que administra la tienda. Lo que hay que hacer está en el «runbook», en «Take a file down»; el nombre del archivo está abajo.
staff-refused-file = El archivo no se puede usar
staff-checked-cover = Así la mostraría la tienda
staff-checked-sample = El capítulo se puede usar
staff-other-file = Subir otro archivo
staff-did-cover = le puso una cubierta
staff-did-cover-removed = le quitó la cubierta
staff-did-sample = le puso un capítulo de muestra
staff-did-sample-removed = le quitó el capítulo de muestra

refused-empty = El archivo está vacío. Elige otro.
refused-bytes = El archivo ocupa { $size } y el máximo es { $max }. Guárdalo con menos calidad o más pequeño.
refused-not-a-cover = El archivo es { $is }, y una cubierta es una imagen JPEG, PNG o WebP. Expórtalo así.
refused-not-a-pdf = El archivo es { $is }, y un capítulo de muestra es un PDF. Expórtalo así.
refused-truncated = El archivo acaba demasiado pronto. Cópialo o descárgalo otra vez.
refused-trailing = { $bytes ->
        [one] Un byte sigue
       *[other] { $bytes } bytes siguen
    } al final de la imagen o del documento. Ábrelo y guárdalo con otro nombre, y así no los lleva.
refused-damaged = El archivo está dañado. Ábrelo y guárdalo con otro nombre.
refused-pixels = La imagen tiene { $size } píxeles y el máximo son { $max } millones. Guárdala más pequeña.
refused-narrow = La imagen mide { $width } píxeles de ancho y el mínimo es { $min }. Busca una mayor.
refused-long = La imagen tiene { $size } píxeles, y una cubierta mide como mucho { $max } veces más de alto que de ancho, o al revés. Recórtala.
refused-animated = La imagen se mueve. Guarda una de sus imágenes.
refused-cmyk = La imagen tiene los colores de una imprenta (CMYK). Expórtala como RGB.
refused-unusual = El JPEG es de una clase que los navegadores no muestran: sin pérdida, jerárquico, aritmético o de 12 bits. Guárdalo otra vez.
refused-scans = El JPEG tiene { $scans } pasadas y el máximo es { $max }. Guárdalo otra vez.
refused-large-profile = La imagen lleva un perfil de color de más de { $max }. Guárdala sin él.
refused-encrypted = El PDF está cifrado o tiene contraseña. Guárdalo sin ella.
refused-no-pages = El PDF no tiene páginas. Expórtalo otra vez.
refused-pages = El PDF tiene { $pages } páginas y el máximo es { $max }. Exporta menos.
refused-active = El PDF lleva { $has }. Imprímelo en un PDF nuevo, que no lo lleva.
refused-objects = El PDF lleva objetos comprimidos que no se pueden comprobar. Imprímelo en un PDF nuevo.
refused-object-bytes = El PDF lleva más de { $max } de objetos comprimidos. Imprímelo en un PDF nuevo.

file-jpeg = una imagen JPEG
file-png = una imagen PNG
file-webp = una imagen WebP
file-gif = una imagen GIF
file-tiff = una imagen TIFF
file-bmp = una imagen BMP
file-icon = un icono
file-heic = una imagen HEIC
file-avif = una imagen AVIF
file-jpeg-xl = una imagen JPEG XL
file-jpeg-2000 = una imagen JPEG 2000
file-photoshop = un archivo de Photoshop
file-svg = un dibujo SVG
file-html = una página web
file-pdf = un PDF
file-postscript = un archivo PostScript
file-zip = un archivo ZIP, o un documento en uno
file-program = un programa
file-unknown = de un tipo desconocido

active-script = un programa (script)
active-launch = una orden que abre un programa
active-attached = un archivo adjunto
active-other-file = un enlace que abre otro archivo
active-form = un formulario que envía datos
active-multimedia = sonido, vídeo u otro objeto activo
