//! The types that a column of one's own can have, by the names that Postgres has for them.

use super::numeric::Limits;

const LIST: &str = "smallint, integer, bigint, real, double precision, numeric, numeric(p,s), text, varchar(n), boolean, \
    date, timestamptz, timestamp, uuid, jsonb, json and inet";

/// A type, by the name that Postgres has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SmallInt,
    Integer,
    BigInt,
    Real,
    Double,
    Numeric(Option<Limits>),
    Text,
    Varchar(Option<u32>),
    Boolean,
    Date,
    TimestampTz,
    Timestamp,
    Uuid,
    Jsonb,
    Json,
    Inet,
}

impl Kind {
    /// Reads a type's name, in whatever case, by any name that Postgres takes for it.
    pub fn parse(name: &str) -> Result<Self, String> {
        let lower = name.trim().to_ascii_lowercase();
        let unknown = || format!("Postgres has no type {name:?} here; there are {LIST}");
        let (word, arguments) = match lower.split_once('(') {
            Some((word, rest)) => (word.trim(), Some(rest.strip_suffix(')').ok_or_else(unknown)?)),
            None => (lower.as_str(), None),
        };
        match (word, arguments) {
            ("numeric" | "decimal", Some(arguments)) => limits(arguments).ok_or_else(unknown),
            ("varchar" | "character varying", Some(length)) => {
                let length = length.trim().parse().ok().filter(|length| (1..=10_485_760).contains(length));
                length.map(|length| Self::Varchar(Some(length))).ok_or_else(unknown)
            }
            (_, Some(_)) => Err(unknown()),
            (word, None) => Self::plain(word).ok_or_else(unknown),
        }
    }

    fn plain(word: &str) -> Option<Self> {
        Some(match word {
            "smallint" | "int2" => Self::SmallInt,
            "integer" | "int" | "int4" => Self::Integer,
            "bigint" | "int8" => Self::BigInt,
            "real" | "float4" => Self::Real,
            "double precision" | "float8" => Self::Double,
            "numeric" | "decimal" => Self::Numeric(None),
            "text" => Self::Text,
            "varchar" | "character varying" => Self::Varchar(None),
            "boolean" | "bool" => Self::Boolean,
            "date" => Self::Date,
            "timestamptz" | "timestamp with time zone" => Self::TimestampTz,
            "timestamp" | "timestamp without time zone" => Self::Timestamp,
            "uuid" => Self::Uuid,
            "jsonb" => Self::Jsonb,
            "json" => Self::Json,
            "inet" => Self::Inet,
            _ => return None,
        })
    }

    /// What the column is declared as; the same words that the server describes it with.
    pub fn declaration(self) -> String {
        match self {
            Self::SmallInt => "smallint".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::BigInt => "bigint".to_owned(),
            Self::Real => "real".to_owned(),
            Self::Double => "double precision".to_owned(),
            Self::Numeric(None) => "numeric".to_owned(),
            Self::Numeric(Some(Limits { precision, scale })) => format!("numeric({precision},{scale})"),
            Self::Text => "text".to_owned(),
            Self::Varchar(None) => "character varying".to_owned(),
            Self::Varchar(Some(length)) => format!("character varying({length})"),
            Self::Boolean => "boolean".to_owned(),
            Self::Date => "date".to_owned(),
            Self::TimestampTz => "timestamp with time zone".to_owned(),
            Self::Timestamp => "timestamp without time zone".to_owned(),
            Self::Uuid => "uuid".to_owned(),
            Self::Jsonb => "jsonb".to_owned(),
            Self::Json => "json".to_owned(),
            Self::Inet => "inet".to_owned(),
        }
    }
}

/// The arguments of `numeric(…)`.
fn limits(arguments: &str) -> Option<Kind> {
    let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
    let precision = precision.trim().parse().ok().filter(|precision| (1..=1000).contains(precision))?;
    let scale = scale.trim().parse().ok().filter(|scale| *scale <= precision)?;
    Some(Kind::Numeric(Some(Limits { precision, scale })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_many_names_and_one_declaration() {
        for (name, declaration) in [
            ("INT8", "bigint"),
            ("decimal(10)", "numeric(10,0)"),
            ("Numeric( 10 , 2 )", "numeric(10,2)"),
            ("varchar(20)", "character varying(20)"),
            ("timestamptz", "timestamp with time zone"),
            ("double precision", "double precision"),
        ] {
            assert_eq!(Kind::parse(name).unwrap().declaration(), declaration);
        }
        for bad in
            ["", "money", "numeric(2,3)", "numeric()", "varchar(0)", "text(3)", "timestamptz(3)", "int[]"]
        {
            let told = Kind::parse(bad).unwrap_err();
            assert!(told.contains("there are smallint, integer"), "{told}");
        }
    }
}
