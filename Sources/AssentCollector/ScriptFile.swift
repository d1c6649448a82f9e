public import AssentCore

/// The script as `GET /assent.js` gives it out.
public enum ScriptFile {
    /// The value of a tag's `integrity` for the script of a site. It changes with the site's notices, locales and origins,
    /// and with the program.
    public static func integrity(of site: Site) -> String {
        SubresourceIntegrity.sha384(ServedSite.script(of: site))
    }
}
