//! Hostile and unusual images, each made here, with the reason for which it is refused.

use std::io::Cursor;

use flate2::{Compression, Crc, write::ZlibEncoder};
use image::{
    DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage, codecs::png::PngEncoder,
    metadata::Orientation,
};
use moxcms::ColorProfile;
use shared::uploads::{FileType, MAX_BYTES, Refusal, Size};

use super::{Cover, check};
use crate::hostile::{Case, assert_refused};

const WHITE: [u8; 3] = [255; 3];
const RED: [u8; 3] = [220, 20, 20];

/// A white image with a red first row of squares, so that its upper side is recognised.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |_, y| Rgb(if y < height / 4 { RED } else { WHITE }))
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(picture(width, height), ImageFormat::Jpeg)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(picture(width, height), ImageFormat::Png)
}

fn webp(width: u32, height: u32) -> Vec<u8> {
    encoded(picture(width, height), ImageFormat::WebP)
}

/// A segment of a JPEG with its marker and length.
fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], data].concat()
}

/// The JPEG with a segment behind its first marker.
fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &segment(marker, data), &jpeg[2..]].concat()
}

/// The JPEG with segments of a colour profile of so many bytes.
fn with_profile_of(jpeg: &[u8], bytes: usize) -> Vec<u8> {
    let profile = vec![0; bytes];
    let segments = profile.chunks(65_000).flat_map(|part| segment(0xE2, part));
    [&jpeg[..2], &segments.collect::<Vec<_>>(), &jpeg[2..]].concat()
}

/// Exif data with an orientation, 1 to 8.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [b"Exif\0\0II*\0\x08\0\0\0\x01\0".as_slice(), &entry, &[0; 4]].concat()
}

/// A JPEG that states this frame and has no picture.
fn jpeg_with_frame(marker: u8, precision: u8, [width, height]: [u16; 2], components: u8) -> Vec<u8> {
    let ([h1, h2], [w1, w2]) = (height.to_be_bytes(), width.to_be_bytes());
    let mut frame = vec![precision, h1, h2, w1, w2, components];
    frame.extend((1..=components).flat_map(|component| [component, 0x11, 0]));
    [&[0xFF, 0xD8][..], &segment(marker, &frame), &segment(0xDA, &[1, 1, 0, 0, 63, 0]), &[0; 100], &[0xFF, 0xD9]]
        .concat()
}

/// A grey progressive JPEG of three components, in a scan for all means and this many for each component's details.
fn progressive(width: u16, height: u16, detail_scans: usize) -> Vec<u8> {
    let ([h1, h2], [w1, w2]) = (height.to_be_bytes(), width.to_be_bytes());
    let table = |class: u8| segment(0xC4, &[&[class, 1][..], &[0; 15], &[0]].concat());
    let blocks = usize::from(width).div_ceil(8) * usize::from(height).div_ceil(8);
    // Every block is the code of one zero bit; ones fill the last byte.
    let zeros = |bits: usize| {
        let mut data = vec![0; bits / 8];
        data.extend((!bits.is_multiple_of(8)).then(|| 0xFF >> (bits % 8)));
        data
    };
    let mut file = vec![0xFF, 0xD8];
    file.extend(segment(0xDB, &[&[0][..], &[1; 64]].concat()));
    file.extend(segment(0xC2, &[8, h1, h2, w1, w2, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]));
    file.extend([table(0x00), table(0x10)].concat());
    file.extend(segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 0, 0]));
    file.extend(zeros(3 * blocks));
    for _ in 0..detail_scans {
        for component in 1..=3 {
            file.extend(segment(0xDA, &[1, component, 0, 1, 63, 0]));
            file.extend(zeros(blocks));
        }
    }
    file.extend([0xFF, 0xD9]);
    file
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = Crc::new();
    checksum.update(&kind);
    checksum.update(data);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &kind, data, &checksum.sum().to_be_bytes()].concat()
}

/// A PNG of these chunks, between its signature and its end.
fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1A\n", &chunks.concat()[..], &chunk(*b"IEND", &[])].concat()
}

/// The header of a PNG of 8 bits in RGB.
fn header(width: u32, height: u32) -> Vec<u8> {
    chunk(*b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat())
}

/// So many zero bytes, compressed.
fn zeros(length: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), length as u64), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// A PNG with a colour profile of 330 million bytes, and without one an image that is accepted.
fn bomb_of_profile() -> Vec<u8> {
    let profile = [b"a profile\0\0".as_slice(), &zeros(330_000_000)].concat();
    png_of(&[header(400, 600), chunk(*b"iCCP", &profile), chunk(*b"IDAT", &zeros(600 * (1 + 3 * 400)))])
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, data) in chunks {
        body.extend(kind.as_slice());
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(*data);
        body.extend(&[0][..data.len() % 2]);
    }
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

/// The content of `VP8X`: flags, and a canvas of this size.
fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let [width, height] = [width - 1, height - 1].map(u32::to_le_bytes);
    [&[flags, 0, 0, 0][..], &width[..3], &height[..3]].concat()
}

/// The data of the image's chunk in a WebP.
fn vp8l(webp: &[u8]) -> &[u8] {
    let at = webp.windows(4).position(|window| window == b"VP8L").unwrap();
    let length = u32::from_le_bytes(webp[at + 4..at + 8].try_into().unwrap());
    &webp[at + 8..at + 8 + length as usize]
}

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

#[test]
fn a_file_that_is_no_image_of_the_shop_is_refused_with_its_type() {
    for case in of_other_types() {
        assert_refused(&case, check);
    }
}

fn of_other_types() -> Vec<Case> {
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let of_boxes = |brand: &[u8; 4]| [b"\0\0\0\x18ftyp".as_slice(), brand, &[0; 12]].concat();
    let files = [
        ("a moving GIF image", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), FileType::Gif),
        ("a GIF image of 1987", b"GIF87a\x01\0\x01\0\0\0\0;".to_vec(), FileType::Gif),
        ("a TIFF image in Intel's order", b"II*\0\x08\0\0\0".to_vec(), FileType::Tiff),
        ("a TIFF image in Motorola's order", b"MM\0*\0\0\0\x08".to_vec(), FileType::Tiff),
        ("a BMP image", encoded_bmp(), FileType::Bmp),
        ("an icon", b"\0\0\x01\0\x01\0\x10\x10".to_vec(), FileType::Icon),
        ("a HEIC photograph", of_boxes(b"heic"), FileType::Heic),
        ("a HEIF image", of_boxes(b"mif1"), FileType::Heic),
        ("an AVIF image", of_boxes(b"avif"), FileType::Avif),
        ("a bare JPEG XL image", b"\xFF\x0A\0\0".to_vec(), FileType::JpegXl),
        ("a JPEG XL image in a container", b"\0\0\0\x0CJXL \r\n\x87\n".to_vec(), FileType::JpegXl),
        ("a JPEG 2000 image", b"\0\0\0\x0CjP  \r\n\x87\n".to_vec(), FileType::Jpeg2000),
        ("a Photoshop file", b"8BPS\0\x01".to_vec(), FileType::Photoshop),
        ("an SVG drawing with a script", svg.to_vec(), FileType::Svg),
        (
            "an SVG drawing behind a declaration and a comment",
            [b"\xEF\xBB\xBF<?xml version=\"1.0\"?><!-- a -->\n", svg.as_slice()].concat(),
            FileType::Svg,
        ),
        ("a web page with a script", b" \n<!DOCTYPE html><script>alert(1)</script>".to_vec(), FileType::Html),
        ("a PDF", b"%PDF-1.7\n".to_vec(), FileType::Pdf),
        ("a PostScript file", b"%!PS-Adobe-3.0".to_vec(), FileType::PostScript),
        ("a ZIP file", b"PK\x03\x04\x14\0".to_vec(), FileType::Zip),
        ("a Windows program", b"MZ\x90\0".to_vec(), FileType::Program),
        ("a Linux program", b"\x7FELF\x02\x01".to_vec(), FileType::Program),
        ("a shell script", b"#!/bin/sh\n".to_vec(), FileType::Program),
        ("a text", b"a picture".to_vec(), FileType::Unknown),
        ("five thousand zeros", vec![0; 5_000], FileType::Unknown),
        ("the first two bytes of a JPEG", vec![0xFF, 0xD8], FileType::Unknown),
        ("a WAVE sound", b"RIFF\x10\0\0\0WAVE".to_vec(), FileType::Unknown),
    ];
    files.into_iter().map(|(name, file, is)| Case::new(name, file, Refusal::NotACover { is })).collect()
}

/// The beginning of a bitmap.
fn encoded_bmp() -> Vec<u8> {
    b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0".to_vec()
}

#[test]
fn a_hostile_jpeg_is_refused_with_its_reason() {
    for case in jpegs() {
        assert_refused(&case, check);
    }
}

fn jpegs() -> Vec<Case> {
    let good = jpeg(400, 600);
    let scan = good.windows(2).position(|window| window == [0xFF, 0xDA]).unwrap();
    let frame = |marker, precision, components| jpeg_with_frame(marker, precision, [400, 600], components);
    let two_frames = {
        let at = good.windows(2).position(|window| window == [0xFF, 0xC0]).unwrap();
        [&good[..scan], &good[at..at + 19], &good[scan..]].concat()
    };
    let files = [
        ("is empty", vec![], Refusal::Empty),
        ("is too large", vec![0xFF; MAX_BYTES + 1], Refusal::TooManyBytes { bytes: 20_000_001 }),
        ("ends in its header", good[..scan - 20].to_vec(), Refusal::Truncated),
        ("ends in its scan", good[..scan + 40].to_vec(), Refusal::Truncated),
        ("has no end", good[..good.len() - 2].to_vec(), Refusal::Truncated),
        ("has an end too early", [&good[..scan + 40], &[0xFF, 0xD9][..]].concat(), Refusal::Truncated),
        ("has no scan", [&good[..scan], &[0xFF, 0xD9][..]].concat(), Refusal::Damaged),
        ("has two frames", two_frames, Refusal::Damaged),
        ("has a second beginning", [&good[..2], &good[..]].concat(), Refusal::Damaged),
        ("has bytes between segments", [&good[..20], b"<?php", &good[20..]].concat(), Refusal::Damaged),
        ("has a segment without length", [&good[..2], &[0xFF, 0xE1, 0, 1], &good[2..]].concat(), Refusal::Damaged),
        ("has a segment beyond the end", [&good[..2], &[0xFF, 0xE1, 0xFF, 0xFF, 0]].concat(), Refusal::Truncated),
        ("is a ZIP too", [&good, b"PK\x05\x06".as_slice(), &[0; 18]].concat(), Refusal::TrailingBytes { bytes: 22 }),
        (
            "is a script too",
            [&good, b"<script>alert(1)</script>".as_slice()].concat(),
            Refusal::TrailingBytes { bytes: 25 },
        ),
        ("is two", [&good[..], &good].concat(), Refusal::TrailingBytes { bytes: good.len() as u64 }),
        ("is for a press", frame(0xC0, 8, 4), Refusal::Cmyk),
        ("is progressive for a press", frame(0xC2, 8, 4), Refusal::Cmyk),
        ("has 12 bits", frame(0xC1, 12, 3), Refusal::UnusualJpeg),
        ("has 16 bits", frame(0xC3, 16, 3), Refusal::UnusualJpeg),
        ("is lossless", frame(0xC3, 8, 3), Refusal::UnusualJpeg),
        ("is hierarchical", frame(0xC5, 8, 3), Refusal::UnusualJpeg),
        ("is arithmetic", frame(0xC9, 8, 3), Refusal::UnusualJpeg),
        ("has five components", frame(0xC0, 8, 5), Refusal::Damaged),
        ("has 3 bits", frame(0xC0, 3, 3), Refusal::Damaged),
        ("has a large profile", with_profile_of(&good, 4_000_001), Refusal::LargeProfile),
        ("has no height", jpeg_with_frame(0xC0, 8, [400, 0], 3), Refusal::Damaged),
        (
            "states more pixels than it has",
            jpeg_with_frame(0xC2, 8, [60_000, 60_000], 3),
            Refusal::TooManyPixels { width: 60_000, height: 60_000 },
        ),
        ("has one row too many", progressive(8_000, 5_001, 0), Refusal::TooManyPixels { width: 8_000, height: 5_001 }),
        ("takes hours", progressive(400, 600, 100), Refusal::TooManyScans { scans: 301 }),
        ("has nearly no data", jpeg_with_frame(0xC0, 8, [400, 600], 3), Refusal::Truncated),
        ("has no table", jpeg_with_frame(0xC0, 8, [200, 200], 3), Refusal::Damaged),
    ];
    files.into_iter().map(|(name, file, reason)| Case::new(format!("a JPEG that {name}"), file, reason)).collect()
}

#[test]
fn a_hostile_png_is_refused_with_its_reason() {
    for case in pngs() {
        assert_refused(&case, check);
    }
}

fn pngs() -> Vec<Case> {
    let good = png(400, 600);
    let mut wrong_checksum = good.clone();
    let at = wrong_checksum.len() - 20;
    wrong_checksum[at] ^= 1;
    let data = |length| chunk(*b"IDAT", &zeros(length));
    let whole = 600 * (1 + 3 * 400);
    let animation = chunk(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    let files = [
        ("ends in its data", good[..good.len() / 2].to_vec(), Refusal::Truncated),
        ("has no end", good[..good.len() - 12].to_vec(), Refusal::Truncated),
        ("ends in its signature", good[..9].to_vec(), Refusal::Truncated),
        ("is a web page too", [&good, b"<html>".as_slice()].concat(), Refusal::TrailingBytes { bytes: 6 }),
        ("moves", png_of(&[header(400, 600), animation.clone(), data(whole)]), Refusal::Animated),
        ("moves, as its end reports", png_of(&[header(400, 600), data(whole), animation]), Refusal::Animated),
        (
            "is a bomb",
            png_of(&[header(50_000, 50_000), data(1_000_000)]),
            Refusal::TooManyPixels { width: 50_000, height: 50_000 },
        ),
        (
            "has the largest size",
            png_of(&[header(u32::MAX, u32::MAX), data(10)]),
            Refusal::TooManyPixels { width: u32::MAX, height: u32::MAX },
        ),
        (
            "has a colour profile of 330 MB, of which 4 MB are inflated, and none kept",
            bomb_of_profile(),
            Refusal::LargeProfile,
        ),
        ("has no width", png_of(&[header(0, 600), data(10)]), Refusal::Damaged),
        ("has no header", png_of(&[data(whole)]), Refusal::Damaged),
        ("has two headers", png_of(&[header(400, 600), header(4, 6), data(whole)]), Refusal::Damaged),
        ("has no data", png_of(&[header(400, 600)]), Refusal::Damaged),
        ("has too few data", png_of(&[header(400, 600), data(whole / 2)]), Refusal::Damaged),
        ("has data that are not compressed", png_of(&[header(400, 600), chunk(*b"IDAT", &[7; 99])]), Refusal::Damaged),
        ("has a wrong checksum", wrong_checksum, Refusal::Damaged),
        (
            "has a chunk beyond the end",
            [&good[..8], &header(400, 600), b"\xFF\xFF\xFF\xF0IDAT"].concat(),
            Refusal::Truncated,
        ),
    ];
    files.into_iter().map(|(name, file, reason)| Case::new(format!("a PNG that {name}"), file, reason)).collect()
}

#[test]
fn a_hostile_webp_is_refused_with_its_reason() {
    for case in webps() {
        assert_refused(&case, check);
    }
}

fn webps() -> Vec<Case> {
    let good = webp(400, 600);
    let image = vp8l(&good);
    let mut shorter = good.clone();
    shorter[4..8].copy_from_slice(&100_u32.to_le_bytes());
    let lossy = |width: u16, height: u16| {
        let [width, height] = [width, height].map(u16::to_le_bytes);
        riff(&[(b"VP8 ", &[&[0x30, 1, 0, 0x9D, 1, 0x2A][..], &width, &height, &[0; 8]].concat())])
    };
    let files = [
        ("ends in its data", good[..good.len() - 9].to_vec(), Refusal::Truncated),
        ("ends behind its signature", good[..12].to_vec(), Refusal::Truncated),
        ("is a script too", [&good, b"#!/bin/sh".as_slice()].concat(), Refusal::TrailingBytes { bytes: 9 }),
        ("states a shorter length", shorter, Refusal::Truncated),
        ("moves", riff(&[(b"VP8X", &canvas(0b10, 400, 600)), (b"VP8L", image)]), Refusal::Animated),
        (
            "moves, and does not state it",
            riff(&[(b"VP8X", &canvas(0, 400, 600)), (b"ANIM", &[0; 6]), (b"VP8L", image)]),
            Refusal::Animated,
        ),
        ("has frames", riff(&[(b"VP8L", image), (b"ANMF", &[0; 16])]), Refusal::Animated),
        (
            "states a larger canvas",
            riff(&[(b"VP8X", &canvas(0, 16_384, 16_384)), (b"VP8L", image)]),
            Refusal::TooManyPixels { width: 16_384, height: 16_384 },
        ),
        ("is a bomb", lossy(16_383, 16_383), Refusal::TooManyPixels { width: 16_383, height: 16_383 }),
        ("has a large profile", riff(&[(b"ICCP", &vec![0; 4_000_001]), (b"VP8L", image)]), Refusal::LargeProfile),
        ("has no image", riff(&[(b"VP8X", &canvas(0, 400, 600))]), Refusal::Damaged),
        ("has nothing", riff(&[]), Refusal::Damaged),
        ("has another canvas", riff(&[(b"VP8X", &canvas(0, 300, 600)), (b"VP8L", image)]), Refusal::Damaged),
        ("has damaged data", lossy(400, 600), Refusal::Damaged),
        ("has a short canvas", riff(&[(b"VP8X", &[0; 4]), (b"VP8L", image)]), Refusal::Damaged),
    ];
    files.into_iter().map(|(name, file, reason)| Case::new(format!("a WebP that {name}"), file, reason)).collect()
}

#[test]
fn an_image_too_narrow_or_too_long_is_refused_as_it_is_shown() {
    for case in of_other_sizes() {
        assert_refused(&case, check);
    }
    assert!(check(&with_segment(&jpeg(300, 199), 0xE1, &exif(1))).is_ok());
}

fn of_other_sizes() -> Vec<Case> {
    let on_its_side = with_segment(&jpeg(600, 199), 0xE1, &exif(6));
    vec![
        Case::new("a JPEG of 199 by 300 pixels", jpeg(199, 300), Refusal::TooNarrow { width: 199 }),
        Case::new("a PNG of one pixel", png(1, 1), Refusal::TooNarrow { width: 1 }),
        Case::new("a photograph of 600 by 199 pixels on its side", on_its_side, Refusal::TooNarrow { width: 199 }),
        Case::new("a WebP of 200 by 601 pixels", webp(200, 601), Refusal::TooLong { width: 200, height: 601 }),
        Case::new("a WebP of 901 by 300 pixels", webp(901, 300), Refusal::TooLong { width: 901, height: 300 }),
    ]
}

/// All files of this module that are refused.
pub fn hostile() -> Vec<Case> {
    [of_other_types(), jpegs(), pngs(), webps(), of_other_sizes()].concat()
}

fn accepted(bytes: &[u8]) -> Cover {
    check(bytes).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The files of a cover, decoded.
fn pictures(cover: &Cover) -> Vec<RgbImage> {
    let decode = |jpeg: &Vec<u8>| image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap().to_rgb8();
    cover.jpegs.iter().map(decode).collect()
}

/// Whether each channel differs by at most this.
fn is_near(Rgb(pixel): Rgb<u8>, colour: [u8; 3], tolerance: u8) -> bool {
    pixel.iter().zip(colour).all(|(one, other)| one.abs_diff(other) <= tolerance)
}

#[test]
fn a_cover_has_three_widths_and_is_never_enlarged() {
    for (width, height, expected) in [
        (1_280, 1_920, vec![size(160, 240), size(320, 480), size(640, 960)]),
        (3_001, 4_500, vec![size(160, 240), size(320, 480), size(640, 960)]),
        (640, 1_000, vec![size(160, 250), size(320, 500), size(640, 1_000)]),
        (500, 750, vec![size(160, 240), size(320, 480), size(500, 750)]),
        (320, 320, vec![size(160, 160), size(320, 320)]),
        (200, 600, vec![size(160, 480), size(200, 600)]),
    ] {
        for file in [jpeg(width, height), png(width, height), webp(width, height)] {
            let cover = accepted(&file);
            assert_eq!(cover.files.sizes, expected);
            for (picture, expected) in pictures(&cover).iter().zip(&expected) {
                assert_eq!(size(picture.width(), picture.height()), *expected);
                assert!(is_near(*picture.get_pixel(picture.width() / 2, 5), RED, 20), "{width} × {height}");
                assert!(is_near(*picture.get_pixel(5, picture.height() - 5), WHITE, 5), "{width} × {height}");
            }
        }
    }
}

#[test]
fn a_photograph_is_shown_upright_and_loses_where_it_was_taken() {
    for orientation in 1..=8 {
        let stored = {
            let mut picture = DynamicImage::from(picture(400, 600));
            // From the upright picture back to how the camera was held.
            picture.apply_orientation(match orientation {
                2 => Orientation::FlipHorizontal,
                3 => Orientation::Rotate180,
                4 => Orientation::FlipVertical,
                5 => Orientation::Rotate90FlipH,
                6 => Orientation::Rotate270,
                7 => Orientation::Rotate270FlipH,
                8 => Orientation::Rotate90,
                _ => Orientation::NoTransforms,
            });
            encoded(picture, ImageFormat::Jpeg)
        };
        let mut data = exif(orientation);
        data.extend(b"GPS 40.4168 -3.7038");
        let cover = accepted(&with_segment(&stored, 0xE1, &data));
        assert_eq!(cover.files.sizes.last(), Some(&size(400, 600)), "orientation {orientation}");
        for (picture, jpeg) in pictures(&cover).iter().zip(&cover.jpegs) {
            assert!(is_near(*picture.get_pixel(picture.width() / 2, 5), RED, 20), "orientation {orientation}");
            assert!(!jpeg.windows(3).any(|window| window == b"GPS"), "orientation {orientation}");
            assert!(!jpeg.windows(4).any(|window| window == b"Exif"), "orientation {orientation}");
        }
    }
}

#[test]
fn sixteen_bits_are_reduced_and_transparency_is_on_white() {
    let deep = DynamicImage::from(picture(400, 600)).to_rgba16();
    let transparent = RgbaImage::from_fn(400, 600, |_, y| Rgba([220, 20, 20, if y < 150 { 255 } else { 0 }]));
    let grey = DynamicImage::from(picture(400, 600)).to_luma16();
    for (name, file, upper) in [
        ("16 bits", encoded(deep, ImageFormat::Png), RED),
        ("transparent PNG", encoded(transparent.clone(), ImageFormat::Png), RED),
        ("transparent WebP", encoded(transparent, ImageFormat::WebP), RED),
        ("grey PNG", encoded(grey.clone(), ImageFormat::Png), [64; 3]),
        ("grey JPEG", encoded(DynamicImage::from(grey).to_luma8(), ImageFormat::Jpeg), [64; 3]),
    ] {
        let cover = accepted(&file);
        let picture = &pictures(&cover)[0];
        assert!(is_near(*picture.get_pixel(80, 20), upper, 24), "{name}: {:?}", picture.get_pixel(80, 20));
        assert!(is_near(*picture.get_pixel(80, 230), WHITE, 5), "{name}: {:?}", picture.get_pixel(80, 230));
    }
}

#[test]
fn a_progressive_jpeg_is_accepted() {
    let cover = accepted(&progressive(400, 600, 1));
    assert!(is_near(*pictures(&cover)[0].get_pixel(80, 120), [128; 3], 3));
}

#[test]
fn a_picture_of_noise_is_small_enough_for_the_load_balancer() {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let picture = RgbImage::from_fn(640, 1_920, |_, _| Rgb([noise(), noise(), noise()]));
    let cover = accepted(&encoded(picture, ImageFormat::Png));
    assert!(cover.jpegs.iter().all(|jpeg| jpeg.len() <= 500_000), "{} bytes", cover.jpegs.concat().len());
}

#[test]
fn the_colours_of_a_profile_become_those_of_the_web() {
    let mut plain = Vec::new();
    let mut with_profile = Vec::new();
    let picture = RgbImage::from_pixel(400, 600, Rgb([200, 60, 60]));
    for (file, profile) in [(&mut plain, None), (&mut with_profile, Some(ColorProfile::new_display_p3()))] {
        let mut encoder = PngEncoder::new(file);
        if let Some(profile) = profile {
            encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
        }
        encoder.write_image(&picture, 400, 600, image::ExtendedColorType::Rgb8).unwrap();
    }
    let red = |file: &[u8]| pictures(&accepted(file))[0].get_pixel(80, 120).0[0];
    assert!(red(&plain).abs_diff(200) < 4);
    // The red of Display P3 is stronger than that of sRGB, which needs more of it.
    assert!(red(&with_profile) > 210, "{}", red(&with_profile));
}

#[test]
fn the_same_image_has_the_same_name_and_another_one_another() {
    let [one, again, other] = [jpeg(400, 600), jpeg(400, 600), jpeg(400, 602)].map(|file| accepted(&file).files.hash);
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

/// Highest memory of this process since the last call, in MB.
fn peak_mb() -> u64 {
    let peak = memory_mb("VmHWM:");
    // "5" sets the peak back to the present value.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak
}

fn resident_mb() -> u64 {
    memory_mb("VmRSS:")
}

fn memory_mb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kb: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1_000
}

/// The largest images, and the memory of the process while it checks each; the function has twice as much. In a process of
/// its own, because other tests need memory too.
#[test]
fn the_largest_images_need_half_of_the_functions_memory() {
    const ALONE: &str = "ANAQUEL_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let name = "cover::tests::the_largest_images_need_half_of_the_functions_memory";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let status = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "yes").status().unwrap();
        assert!(status.success(), "run it by its name to see the figures");
        return;
    }
    let deep = {
        let row = [vec![0], vec![0x80; 8 * 5_000]].concat();
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        (0..8_000).for_each(|_| std::io::Write::write_all(&mut encoder, &row).unwrap());
        let data = encoder.finish().unwrap();
        let header = [&5_000_u32.to_be_bytes()[..], &8_000_u32.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
        png_of(&[chunk(*b"IHDR", &header), chunk(*b"IDAT", &data)])
    };
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let (plain, with_scans) = (progressive(5_000, 8_000, 1), progressive(5_000, 8_000, 21));
    for (name, file) in [
        ("progressive JPEG", plain.clone()),
        ("progressive JPEG with the most scans", with_scans),
        ("progressive JPEG, turned, with a profile", {
            let icc = [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile].concat();
            with_segment(&with_segment(&plain, 0xE2, &icc), 0xE1, &exif(6))
        }),
        ("PNG of four channels with 16 bits", deep),
        ("WebP", encoded(RgbaImage::from_pixel(5_000, 8_000, Rgba([9, 9, 9, 9])), ImageFormat::WebP)),
    ] {
        peak_mb();
        let began = std::time::Instant::now();
        accepted(&file);
        let (peak, took) = (peak_mb(), began.elapsed());
        println!("{name}: {} MB in the file, peak {peak} MB, {took:.1?}", file.len() / 1_000_000);
        assert!(peak < 512, "{name}: {peak} MB");
    }
    let bomb = bomb_of_profile();
    let before = resident_mb();
    peak_mb();
    let refusal = check(&bomb).err();
    let peak = peak_mb();
    println!("PNG with a profile of 330 MB: {} KB in the file, peak {peak} MB, {before} MB before", bomb.len() / 1_000);
    assert_eq!(refusal, Some(Refusal::LargeProfile));
    assert!(peak < before + 8, "{peak} MB, and {before} MB before");
}
