//! Why a mail about an order did not reach its buyer, in the words that the staff reads.

/// The kinds of failures, the one that matters least first. Words begin with those of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailFailure {
    /// The mailbox is full or its server is away.
    SoftBounce,
    /// The mail service does not know whether it is one for good.
    UnknownBounce,
    /// The address does not exist, or the mail service refused the mail.
    Permanent,
    /// The reader has reported the mail as spam.
    Complaint,
}

impl MailFailure {
    pub const SOFT_BOUNCE: &str = "soft bounce";
    pub const UNKNOWN_BOUNCE: &str = "bounce of an unknown kind";
    pub const COMPLAINT: &str = "complaint";

    /// The kind of a failure in words: `soft bounce, a later mail may arrive (MailboxFull)`.
    pub fn of(words: &str) -> Self {
        let kinds = [
            (Self::SOFT_BOUNCE, Self::SoftBounce),
            (Self::UNKNOWN_BOUNCE, Self::UnknownBounce),
            (Self::COMPLAINT, Self::Complaint),
        ];
        kinds.into_iter().find(|(kind, _)| words.starts_with(kind)).map_or(Self::Permanent, |(_, kind)| kind)
    }

    /// Whether a mail that failed so is to show this failure in place of an earlier one.
    pub fn replaces(self, earlier: Self) -> bool {
        self >= earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_shown_in_place_of_an_earlier_one_that_is_not_worse() {
        let of = |words: &str| MailFailure::of(&format!("{words} (MailboxFull)"));
        let soft = of(MailFailure::SOFT_BOUNCE);
        let unknown = of(MailFailure::UNKNOWN_BOUNCE);
        let complaint = of(MailFailure::COMPLAINT);
        let permanent = of("hard bounce");
        for (failure, other) in [(soft, unknown), (soft, permanent), (unknown, permanent), (unknown, complaint)] {
            assert!(failure.replaces(failure) && other.replaces(failure) && !failure.replaces(other));
        }
        assert_eq!(permanent, MailFailure::Permanent);
    }
}
