//! Time zones, for people who read times of their orders.

use jiff::{
    Timestamp,
    tz::{TimeZone as Rules, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

/// A time zone of the IANA database that the program contains, because Lambda's machines have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TimeZone(Rules);

impl TimeZone {
    /// Reads a name such as `Europe/Madrid`, in any case.
    pub fn parse(name: &str) -> Result<Self, String> {
        let unknown =
            || format!("{name:?} is no time zone; use a name of the IANA database, such as \"Europe/Madrid\"");
        TimeZoneDatabase::bundled().get(name).map(Self).map_err(|_| unknown())
    }

    /// As the database writes it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    pub fn is_utc(&self) -> bool {
        self.0 == Rules::UTC
    }

    /// The same moment with the zone's offset at that moment.
    pub fn local(&self, at: OffsetDateTime) -> OffsetDateTime {
        let offset = Timestamp::from_second(at.unix_timestamp()).map(|at| self.0.to_offset(at).seconds());
        // All times of the shop are within both libraries' years.
        let offset = offset.ok().and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok());
        at.to_offset(offset.unwrap_or(UtcOffset::UTC))
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(Rules::UTC)
    }
}

impl TryFrom<String> for TimeZone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_has_the_offset_of_its_day_and_keeps_its_moment() {
        for (zone, at, local) in [
            ("Europe/Madrid", datetime!(2026-11-27 01:27 UTC), datetime!(2026-11-27 02:27 +1)),
            ("Europe/Madrid", datetime!(2026-07-31 23:10 UTC), datetime!(2026-08-01 01:10 +2)),
            // Clocks change at 01:00 UTC, on the last Sundays of March and October.
            ("Europe/Madrid", datetime!(2027-03-28 00:59:59 UTC), datetime!(2027-03-28 01:59:59 +1)),
            ("Europe/Madrid", datetime!(2027-03-28 01:00 UTC), datetime!(2027-03-28 03:00 +2)),
            ("Europe/Madrid", datetime!(2027-10-31 00:59:59 UTC), datetime!(2027-10-31 02:59:59 +2)),
            ("Europe/Madrid", datetime!(2027-10-31 01:00 UTC), datetime!(2027-10-31 02:00 +1)),
            ("Atlantic/Canary", datetime!(2026-11-27 01:27 UTC), datetime!(2026-11-27 01:27 UTC)),
            ("America/Mexico_City", datetime!(2026-11-27 01:27 UTC), datetime!(2026-11-26 19:27 -6)),
            ("Asia/Kolkata", datetime!(2026-11-27 01:27 UTC), datetime!(2026-11-27 06:57 +5:30)),
            ("UTC", datetime!(2026-11-27 01:27 UTC), datetime!(2026-11-27 01:27 UTC)),
            // Beyond the transitions that the database lists, by its rule.
            ("Europe/Madrid", datetime!(2060-07-01 12:00 UTC), datetime!(2060-07-01 14:00 +2)),
        ] {
            let converted = TimeZone::parse(zone).unwrap().local(at);
            assert_eq!((converted, converted.offset()), (local, local.offset()), "{zone} {at}");
        }
    }

    #[test]
    fn a_name_of_no_zone_is_refused_and_the_others_are_written_as_the_database_has_them() {
        for unknown in ["", "Madrid", "Europe/Madrid ", "CEST", "+01:00", "Europe/Atlantis", "../etc/passwd"] {
            assert!(TimeZone::parse(unknown).unwrap_err().contains("Europe/Madrid"), "{unknown}");
        }
        for (name, written) in [("Europe/Madrid", "Europe/Madrid"), ("europe/madrid", "Europe/Madrid"), ("UTC", "UTC")]
        {
            assert_eq!(String::from(TimeZone::parse(name).unwrap()), written);
        }
        assert!(TimeZone::default().is_utc() && !TimeZone::parse("Europe/London").unwrap().is_utc());
    }
}
