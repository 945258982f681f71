## Covers and sample chapters

cover-by = Cover picture
sample-link = Sample chapter (PDF, { $pages ->
        [one] one page
       *[other] { $pages } pages
    }, { $size })

pages-count = { $count ->
        [one] one page
       *[other] { $count } pages
    }

staff-files = Cover and sample chapter
staff-files-of = Cover and sample chapter: { $title }
staff-cover = Cover
staff-cover-none = The book has no picture. The shop shows a drawn cover.
staff-cover-size = { $size } pixels
staff-cover-by = Picture: { $name }
staff-cover-remove = Take the cover away
staff-cover-upload = Upload a cover
staff-cover-file = Image of the cover
staff-cover-help = JPEG, PNG or WebP, at least { $min } pixels wide, with at most { $max }.
staff-cover-use = Use this cover
staff-cover-credit = Who made the picture
staff-sample = Sample chapter
staff-sample-none = The book has no sample chapter.
staff-sample-remove = Take the sample chapter away
staff-sample-upload = Upload a sample chapter
staff-sample-file = PDF of the chapter
staff-sample-help = A PDF with at most { $pages } pages and { $max }, without scripts, attached files and password.
staff-sample-use = Use this sample chapter
staff-upload = Upload
staff-upload-minutes = The form can be sent for ten minutes. After that, load this page again.
staff-upload-checked = Nothing changes in the shop until you have seen the checked file and use it.
staff-checking = The file is being checked.
staff-checking-text = This page shows the result within some seconds. If it takes longer than some minutes, upload the file again.
staff-checking-again = Look again
staff-upload-unknown = There is no checked file here
staff-upload-unknown-text = The upload has expired, or its check has failed. Upload the file again.
staff-file-gone = The checked file is no longer kept. Upload it again.
staff-file-still-there = The change is done, and the book no longer has the earlier file. But the file could not be removed from the bucket, where visitors may still find it: please inform the person who operates the shop. The runbook has what to do under “Take a file down”; the name of the file is below.
staff-refused-file = The file cannot be used
staff-checked-cover = This is how the shop would show it
staff-checked-sample = The chapter can be used
staff-other-file = Upload another file
staff-did-cover = gave it a cover
staff-did-cover-removed = took the cover away
staff-did-sample = gave it a sample chapter
staff-did-sample-removed = took the sample chapter away

refused-empty = The file is empty. Choose another one.
refused-bytes = The file has { $size }; the maximum is { $max }. Save it with a lower quality or in a smaller size.
refused-not-a-cover = The file is { $is }; a cover is a JPEG, PNG or WebP image. Export it as one.
refused-not-a-pdf = The file is { $is }; a sample chapter is a PDF. Export it as one.
refused-truncated = The file ends too early. Copy or download it again.
refused-trailing = { $bytes ->
        [one] One byte follows
       *[other] { $bytes } bytes follow
    } the end of the image or document. Open it and save it under a new name, which leaves that out.
refused-damaged = The file is damaged. Open it and save it under a new name.
refused-pixels = The image has { $size } pixels; the maximum is { $max } million. Save it in a smaller size.
refused-narrow = The image is { $width } pixels wide; the minimum is { $min }. Take a larger one.
refused-long = The image has { $size } pixels; a cover is at most { $max } times as high as wide, or as wide as high. Cut it.
refused-animated = The image moves. Save one of its pictures.
refused-cmyk = The image has the colours of a printing press (CMYK). Export it as RGB.
refused-unusual = The JPEG is of a kind that browsers cannot show: lossless, hierarchical, arithmetic or with 12 bits. Save it again.
refused-scans = The JPEG has { $scans } scans; the maximum is { $max }. Save it again.
refused-large-profile = The image has a colour profile of more than { $max }. Save it without one.
refused-encrypted = The PDF is encrypted or has a password. Save it without.
refused-no-pages = The PDF has no page. Export it again.
refused-pages = The PDF has { $pages } pages; the maximum is { $max }. Export fewer.
refused-active = The PDF has { $has }. Print it to a new PDF, which leaves it out.
refused-objects = The PDF has compressed objects that cannot be checked. Print it to a new PDF.
refused-object-bytes = The PDF has compressed objects of more than { $max }. Print it to a new PDF.

file-jpeg = a JPEG image
file-png = a PNG image
file-webp = a WebP image
file-gif = a GIF image
file-tiff = a TIFF image
file-bmp = a BMP image
file-icon = an icon
file-heic = a HEIC image
file-avif = an AVIF image
file-jpeg-xl = a JPEG XL image
file-jpeg-2000 = a JPEG 2000 image
file-photoshop = a Photoshop file
file-svg = an SVG drawing
file-html = a web page
file-pdf = a PDF
file-postscript = a PostScript file
file-zip = a ZIP file, or a document in one
file-program = a program
file-unknown = of an unknown type

active-script = a script
active-launch = a command that starts a program
active-attached = an attached file
active-other-file = a link that opens another file
active-form = a form that sends data
active-multimedia = sound, video or another active object
