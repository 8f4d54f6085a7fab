//! The forms of dates and times that timelib knows (`parse_date.re`), as one automaton: at each
//! position the longest form counts, and of equally long ones the first.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::OnceLock;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Yesterday,
    Now,
    Noon,
    Midnight,
    Tomorrow,
    Timestamp,
    TimestampWithFraction,
    Time12,
    TimeOfSqlServer,
    Time24,
    HourMinute,
    HourMinuteSecond,
    American,
    IsoDate,
    ShortIsoDate,
    YearMonth,
    DateFull,
    PointedDate,
    ShortPointedDate,
    MonthYear,
    YearMonthText,
    MonthDayYear,
    DayMonth,
    Digits,
    DateTime,
    YearDay,
    IsoWeekDay,
    IsoWeek,
    MonthDayYearShort,
    YearMonthDayText,
    CommonLog,
    Year,
    Ago,
    DayText,
    RelativeText,
    RelativeWeek,
    Month,
    Zone,
    MonthDayTime12,
    MonthDayTime,
    Relative,
    Separator,
    Other,
}

const SPACE: &str = r"(?:[ \t]+|(?:\xC2\xA0)+|(?:\xE2\x80\xAF)+)";
const FRACTION: &str = r"\.[0-9]+";
const HOUR24: &str = "(?:[01]?[0-9]|2[0-4])";
const HOUR24_PADDED: &str = "(?:[01][0-9]|2[0-4])";
const HOUR12: &str = "(?:0?[1-9]|1[0-2])";
const MINUTE: &str = "(?:[0-5]?[0-9])";
const MINUTE_PADDED: &str = "(?:[0-5][0-9])";
const SECOND: &str = "(?:[0-5]?[0-9]|60)";
const SECOND_PADDED: &str = "(?:[0-5][0-9]|60)";
const MERIDIAN: &str = r"(?:[AaPp]\.?[Mm]\.?[\x00\t ])";
const ZONE: &str = r"(?:\(?[A-Za-z]{1,6}\)?|[A-Z][a-z]+(?:[_/-][A-Za-z]+)+)";
const MONTH: &str = "(?:0?[0-9]|1[0-2])";
const MONTH_PADDED: &str = "(?:0[0-9]|1[0-2])";
const DAY: &str = "(?:(?:[0-2]?[0-9]|3[01])(?:st|nd|rd|th)?)";
const DAY_PADDED: &str = "(?:0[0-9]|[1-2][0-9]|3[01])";
const DAY_OF_YEAR: &str = "(?:00[1-9]|0[1-9][0-9]|[1-2][0-9][0-9]|3[0-5][0-9]|36[0-6])";
const WEEK: &str = "(?:0[1-9]|[1-4][0-9]|5[0-3])";
const YEAR: &str = "[0-9]{1,4}";
const YEAR4: &str = "[0-9]{4}";
const DAY_TEXT: &str = "(?i:sundays?|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|\
                        saturdays?|sun|mon|tue|wed|thu|fri|sat)";
const MONTH_FULL: &str = "(?i:january|february|march|april|may|june|july|august|september|\
                          october|november|december)";
const MONTH_SHORT: &str = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)";
const MONTH_ROMAN: &str = "(?:I|II|III|IV|V|VI|VII|VIII|IX|X|XI|XII)";
const ORDINAL: &str = "(?i:first|second|third|fourth|fifth|sixth|seventh|eighth?|ninth|tenth|\
                       eleventh|twelfth|next|last|previous|this)";
const UNIT: &str = "(?i:ms|(?:msec|millisecond|microsecond|usec|sec|second|min|minute|hour|day|\
                    fortnight|forthnight|month|year)s?|weeks)";

/// The forms in the order of timelib's rules.
fn forms() -> Vec<(Form, String)> {
    let month_text = format!("(?:{MONTH_FULL}|{MONTH_SHORT}|{MONTH_ROMAN})");
    let month_day = format!(r"{month_text}[ .\t-]*{DAY}(?:[,.stndrh\t ]+|\x00)");
    let correction = format!(
        "(?:(?:GMT)?[+-](?:{HOUR24}(?::?{MINUTE})?|{HOUR24_PADDED}{MINUTE_PADDED}{SECOND_PADDED}|\
         {HOUR24_PADDED}:{MINUTE_PADDED}:{SECOND_PADDED}))"
    );
    let time24 = format!("{HOUR24}[:.]{MINUTE}(?:[:.]{SECOND})?");
    let zoned_time =
        format!("(?i:t)?{HOUR24}[:.]{MINUTE}[:.]{SECOND_PADDED}{SPACE}?(?:{correction}|{ZONE})");
    let time12 = format!(
        "(?:{HOUR12}|{HOUR12}[:.]{MINUTE_PADDED}|{HOUR12}[:.]{MINUTE}[:.]{SECOND_PADDED})\
         {SPACE}?{MERIDIAN}"
    );
    let padded_time = format!("{MINUTE_PADDED}:{SECOND_PADDED}");
    let unit = format!("(?:{UNIT}|{DAY_TEXT})");
    vec![
        (Form::Yesterday, "(?i:yesterday)".into()),
        (Form::Now, "(?i:now)".into()),
        (Form::Noon, "(?i:noon)".into()),
        (Form::Midnight, "(?i:midnight|today)".into()),
        (Form::Tomorrow, "(?i:tomorrow)".into()),
        (Form::Timestamp, "@-?[0-9]+".into()),
        (Form::TimestampWithFraction, r"@-?[0-9]+\.[0-9]{0,6}".into()),
        (Form::Time12, time12),
        (Form::TimeOfSqlServer, format!("{HOUR12}:{padded_time}[:.][0-9]+{MERIDIAN}")),
        (
            Form::Time24,
            format!(
                "(?i:t){HOUR24}|(?i:t)?{time24}|\
                 (?i:t)?{HOUR24}[:.]{MINUTE}[:.]{SECOND}{FRACTION}"
            ),
        ),
        (Form::HourMinute, format!("(?i:t)?{HOUR24_PADDED}{MINUTE_PADDED}")),
        (Form::HourMinuteSecond, format!("(?i:t)?{HOUR24_PADDED}{MINUTE_PADDED}{SECOND_PADDED}")),
        (Form::American, format!("{MONTH}/{DAY}(?:/{YEAR})?")),
        (
            Form::IsoDate,
            format!(
                "[+-]?{YEAR4}-{MONTH_PADDED}-{DAY_PADDED}|{YEAR4}/{MONTH_PADDED}/{DAY_PADDED}/?|\
                 {YEAR4}/{MONTH}/{DAY}"
            ),
        ),
        (Form::ShortIsoDate, format!("[0-9]{{2}}-{MONTH_PADDED}-{DAY_PADDED}")),
        (Form::IsoDate, format!("[+-][0-9]{{5,19}}-{MONTH_PADDED}-{DAY_PADDED}")),
        (Form::YearMonth, format!("{YEAR4}-{MONTH}")),
        (Form::ShortIsoDate, format!("{YEAR}-{MONTH}-{DAY}")),
        (Form::DateFull, format!(r"{DAY}[ \t.-]*{month_text}[ \t.-]*{YEAR}")),
        (Form::PointedDate, format!(r"{DAY}[.\t-]{MONTH}[.-]{YEAR4}")),
        (Form::ShortPointedDate, format!(r"{DAY}[.\t]{MONTH}\.[0-9]{{2}}")),
        (Form::MonthYear, format!(r"{month_text}[ .\t-]*{YEAR4}")),
        (Form::YearMonthText, format!(r"{YEAR4}[ .\t-]*{month_text}")),
        (Form::MonthDayYear, format!(r"{month_text}[ .\t-]*{DAY}[,.stndrh\t ]+{YEAR}|{month_day}")),
        (Form::DayMonth, format!(r"{DAY}[ .\t-]*{month_text}")),
        (Form::Digits, format!("{YEAR4}{MONTH_PADDED}{DAY_PADDED}")),
        (
            Form::DateTime,
            format!(
                "{YEAR4}{MONTH_PADDED}{DAY_PADDED}T{HOUR24}:{padded_time}|\
                 {YEAR4}{MONTH_PADDED}{DAY_PADDED}(?i:t){HOUR24}{MINUTE_PADDED}{SECOND_PADDED}|\
                 {YEAR4}-{MONTH_PADDED}-{DAY_PADDED}T{HOUR24_PADDED}:{padded_time}{FRACTION}\
                 {correction}?|\
                 {YEAR4}-{MONTH}-{DAY}T{HOUR24}:{MINUTE}:{SECOND}|\
                 {YEAR4}:{MONTH_PADDED}:{DAY_PADDED} {HOUR24_PADDED}:{padded_time}"
            ),
        ),
        (Form::YearDay, format!("{YEAR4}[.-]?{DAY_OF_YEAR}")),
        (Form::IsoWeekDay, format!("{YEAR4}-?W{WEEK}-?[0-7]")),
        (Form::IsoWeek, format!("{YEAR4}-?W{WEEK}")),
        (Form::MonthDayYearShort, format!("{MONTH_SHORT}-{DAY_PADDED}-{YEAR}")),
        (Form::YearMonthDayText, format!("{YEAR}-{MONTH_SHORT}-{DAY_PADDED}")),
        (
            Form::CommonLog,
            format!("{DAY}/{MONTH_SHORT}/{YEAR4}:{HOUR24_PADDED}:{padded_time}{SPACE}{correction}"),
        ),
        (Form::Year, YEAR4.into()),
        (Form::Ago, "(?i:ago)".into()),
        (Form::DayText, DAY_TEXT.into()),
        (Form::RelativeWeek, format!("(?i:next|last|previous|this){SPACE}(?i:week)")),
        (Form::RelativeText, format!("{ORDINAL}{SPACE}{unit}")),
        (Form::Month, format!("{MONTH_FULL}|{MONTH_SHORT}")),
        (Form::Zone, format!("{correction}|{ZONE}")),
        (
            Form::MonthDayTime12,
            format!(
                "{month_day}(?:{HOUR12}[:.]{MINUTE_PADDED}|\
                 {HOUR12}[:.]{MINUTE}[:.]{SECOND_PADDED}){SPACE}?{MERIDIAN}"
            ),
        ),
        (Form::MonthDayTime, format!("{month_day}(?:(?i:t)?{time24}|{zoned_time})")),
        (Form::Relative, format!(r"[+-]*[ \t]*[0-9]{{1,13}}{SPACE}?(?:{unit}|(?i:week))")),
        (Form::Separator, format!(r"[.,\x00\n]|{SPACE}")),
        (Form::Other, r"(?s:.)".into()),
    ]
}

type CreateCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// The automaton, with memory for those who run it.
struct Forms {
    /// The form of each pattern.
    of_pattern: Vec<Form>,
    automaton: DFA,
    caches: Pool<Cache, CreateCache>,
}

fn compiled() -> Option<&'static Forms> {
    static FORMS: OnceLock<Option<Forms>> = OnceLock::new();
    FORMS
        .get_or_init(|| {
            let (of_pattern, patterns): (Vec<_>, Vec<_>) = forms().into_iter().unzip();
            let automaton = DFA::builder()
                .configure(DFA::config().match_kind(MatchKind::All))
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
                .build_many(&patterns)
                .ok()?;
            let source = automaton.clone();
            let create: CreateCache = Box::new(move || source.create_cache());
            let caches = Pool::new(create);
            Some(Forms { of_pattern, automaton, caches })
        })
        .as_ref()
}

/// The longest form at a position, and where it ends.
pub(super) fn longest(text: &[u8], at: usize) -> Option<(Form, usize)> {
    let compiled = compiled()?;
    let input = Input::new(text).range(at..).anchored(Anchored::Yes);
    let mut cache = compiled.caches.get();
    let found = compiled.automaton.try_search_fwd(&mut cache, &input).ok()??;
    Some((*compiled.of_pattern.get(found.pattern().as_usize())?, found.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_form_counts_and_then_the_first() {
        for (text, form, length) in [
            ("2017-02-08", Form::IsoDate, 10),
            ("2017-02-08T10:11:12", Form::DateTime, 19),
            ("2017-02-08T10:11:12.5Z", Form::DateTime, 21),
            ("2017", Form::HourMinute, 4),
            ("2517", Form::Year, 4),
            ("20170208", Form::Digits, 8),
            ("2017-02", Form::YearMonth, 7),
            ("Feb 8 2017", Form::MonthDayYear, 10),
            ("8 Feb 2017", Form::DateFull, 10),
            ("2/8/2017", Form::American, 8),
            ("11am\0", Form::Time12, 5),
            ("GMT+02:00", Form::Zone, 9),
            ("Europe/Amsterdam", Form::Zone, 16),
            ("+1 day", Form::Relative, 6),
            ("!", Form::Other, 1),
        ] {
            assert_eq!(longest(text.as_bytes(), 0), Some((form, length)), "{text}");
        }
    }
}
