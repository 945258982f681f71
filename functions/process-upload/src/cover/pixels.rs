//! From the bytes of an image to upright sRGB pixels, and to JPEGs of them.

use std::io::Cursor;

use anyhow::{Context, Result, bail};
use image::{
    DynamicImage, GrayImage, ImageDecoder, Limits, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngDecoder, webp::WebPDecoder},
    imageops::FilterType,
    metadata::Orientation,
};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use shared::uploads::{FileType, MAX_SERVED_COVER, Size, WIDTHS};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Of JPEG's 1 to 100, the first with which the file is small enough. At the sizes of covers, nobody sees a difference
/// between the first and higher ones; the others are for pictures like sand.
const QUALITIES: [u8; 4] = [78, 60, 40, 20];
/// Bytes of the largest image that a decoder may hold: 40 million pixels of four channels with 16 bits, and some rows.
const MAX_ALLOCATION: u64 = 340_000_000;
/// Reduced to this many times the largest width first, by averages, which needs no copy in memory; then by a filter that
/// keeps small print readable.
const FIRST_REDUCTION: u32 = 2;

/// A decoder that has read the image's header.
pub struct Decoder<'a> {
    format: Format<'a>,
    size: Size,
    orientation: Orientation,
    /// Parsed, so that its bytes are not in memory beside the pixels.
    profile: Option<ColorProfile>,
}

enum Format<'a> {
    /// By its own crate: `image` would accept a JPEG whose data are damaged, and fill the rest with grey.
    Jpeg(Box<JpegDecoder<ZCursor<&'a [u8]>>>),
    Other(Box<dyn ImageDecoder + 'a>),
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        match crate::file_type::of(bytes) {
            FileType::Jpeg => Self::jpeg(bytes),
            FileType::Png => {
                let mut limits = Limits::no_limits();
                limits.max_alloc = Some(MAX_ALLOCATION);
                Ok(Self::other(PngDecoder::with_limits(Cursor::new(bytes), limits)?))
            }
            _ => Ok(Self::other(WebPDecoder::new(Cursor::new(bytes))?)),
        }
    }

    fn jpeg(bytes: &'a [u8]) -> Result<Self> {
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX));
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers()?;
        let (width, height) = decoder.dimensions().context("no header")?;
        let colours =
            if decoder.input_colorspace() == Some(ColorSpace::Luma) { ColorSpace::Luma } else { ColorSpace::RGB };
        decoder.set_options(options.jpeg_set_out_colorspace(colours));
        Ok(Self {
            size: Size { width: u32::try_from(width)?, height: u32::try_from(height)? },
            orientation: orientation(decoder.exif().map(Vec::as_slice)),
            profile: decoder.icc_profile().as_deref().and_then(rgb_profile),
            format: Format::Jpeg(Box::new(decoder)),
        })
    }

    fn other(mut decoder: impl ImageDecoder + 'a) -> Self {
        let (width, height) = decoder.dimensions();
        Self {
            size: Size { width, height },
            // Neither is needed to show the image.
            orientation: orientation(decoder.exif_metadata().unwrap_or_default().as_deref()),
            profile: decoder.icc_profile().unwrap_or_default().as_deref().and_then(rgb_profile),
            format: Format::Other(Box::new(decoder)),
        }
    }

    /// The size of the upright image.
    pub fn size(&self) -> Size {
        let Size { width, height } = self.size;
        if is_turned(self.orientation) { Size { width: height, height: width } } else { self.size }
    }

    pub fn decode(self) -> Result<Pixels> {
        let upright = self.size();
        let image = match self.format {
            Format::Other(decoder) => DynamicImage::from_decoder(decoder)?,
            Format::Jpeg(mut decoder) => {
                let Size { width, height } = self.size;
                let pixels = decoder.decode()?;
                let image = match decoder.output_colorspace() {
                    Some(ColorSpace::Luma) => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
                    Some(ColorSpace::RGB) => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
                    colours => bail!("the colours are {colours:?}"),
                };
                image.context("fewer pixels than the header states")?
            }
        };
        let mut image = reduced(image, upright, is_turned(self.orientation));
        image.apply_orientation(self.orientation);
        let mut pixels = on_white(&image);
        if let Some(profile) = &self.profile {
            convert_to_srgb(&mut pixels, profile);
        }
        Ok(Pixels(pixels.into()))
    }
}

/// How a camera was held, by the image's Exif data.
fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// Whether the orientation exchanges width and height.
fn is_turned(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// The image in at most twice the largest width, still as it was stored.
fn reduced(image: DynamicImage, upright: Size, is_turned: bool) -> DynamicImage {
    let largest = FIRST_REDUCTION * WIDTHS[WIDTHS.len() - 1];
    if upright.width <= largest {
        return image;
    }
    let Size { width, height } = upright.with_width(largest);
    let (width, height) = if is_turned { (height, width) } else { (width, height) };
    image.thumbnail_exact(width, height)
}

/// The colours of the image on white paper, in 8 bits.
fn on_white(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
        let mixed = [red, green, blue].map(|colour| (colour * alpha + 255 * (255 - alpha) + 127) / 255);
        mixed.map(|colour| u8::try_from(colour).unwrap_or(u8::MAX)).into()
    })
}

/// The image's profile. As in browsers, one that cannot be read is ignored, and so is one of other colours.
fn rgb_profile(bytes: &[u8]) -> Option<ColorProfile> {
    ColorProfile::new_from_slice(bytes).ok().filter(|profile| profile.color_space == DataColorSpace::Rgb)
}

/// Converts the colours from those of the image's profile, which is not written: browsers assume sRGB without one.
fn convert_to_srgb(pixels: &mut RgbImage, profile: &ColorProfile) {
    let options = TransformOptions::default();
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options) else { return };
    let mut converted = vec![0; pixels.len()];
    if transform.transform(pixels, &mut converted).is_ok() {
        pixels.copy_from_slice(&converted);
    }
}

/// An upright image in sRGB.
pub struct Pixels(DynamicImage);

impl Pixels {
    /// The image in this size as a JPEG.
    pub fn jpeg(&self, size: Size) -> Result<Vec<u8>> {
        let resized = self.0.resize_exact(size.width, size.height, FilterType::Lanczos3);
        for quality in QUALITIES {
            let mut jpeg = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
            resized.write_with_encoder(encoder).context("encoding the JPEG")?;
            if jpeg.len() <= MAX_SERVED_COVER {
                return Ok(jpeg);
            }
        }
        bail!("the JPEG has more than {MAX_SERVED_COVER} bytes in every quality")
    }
}
