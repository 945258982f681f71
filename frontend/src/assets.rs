//! Static files of pages, packed by `build.rs`. A path changes with the content, so that a browser may keep it for
//! ever.

/// One file under `/assets/`.
pub struct Asset {
    pub name: &'static str,
    /// With the fingerprint: `/assets/style.0123456789abcdef.css`.
    pub path: &'static str,
    pub content_type: &'static str,
    pub raw: &'static [u8],
    pub brotli: &'static [u8],
    pub gzip: &'static [u8],
}

const ALL: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub fn all() -> &'static [Asset] {
    ALL
}

/// The path of an asset by its name without the fingerprint, for templates.
pub fn path(name: &str) -> &'static str {
    ALL.iter().find(|asset| asset.name == name).map_or("/assets/missing", |asset| asset.path)
}

/// `robots.txt`, with the sitemap if the origin is known.
pub fn robots(origin: Option<&str>) -> String {
    let sitemap = origin.map(|origin| format!("Sitemap: {origin}/sitemap.xml\n")).unwrap_or_default();
    format!(
        "User-agent: *\nDisallow: /sign-in\nDisallow: /sign-out\nDisallow: /submissions/\nDisallow: /api/\n{sitemap}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_its_icons_as_they_are_served() {
        let manifest = all().iter().find(|asset| asset.name == "shop.webmanifest").unwrap();
        let text = std::str::from_utf8(manifest.raw).unwrap();
        assert!(text.contains(path("icon.svg")) && text.contains(path("icon.png")), "{text}");
    }

    #[test]
    fn every_template_names_assets_that_exist() {
        let layout = include_str!("../templates/layout.html");
        let names: Vec<&str> =
            layout.split("assets::path(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() >= 4);
        for name in names {
            assert_ne!(path(name), "/assets/missing", "{name}");
        }
    }
}
