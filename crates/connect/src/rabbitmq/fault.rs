//! What RabbitMQ's errors mean: their code decides.

use lapin::{Error, ErrorKind};

use crate::Fault;

/// The error, by what to do about it.
pub fn judged(error: &Error) -> Fault {
    match error.kind() {
        ErrorKind::ProtocolError(said) => by_code(said.get_id(), said.get_message().to_string()),
        ErrorKind::IOError(error) => Fault::of_io(error),
        _ => Fault::Away(error.to_string()),
    }
}

/// The codes of AMQP 0-9-1, as RabbitMQ uses them.
fn by_code(code: u16, text: String) -> Fault {
    let blocked = |advice: &str| Fault::Blocked(format!("{text}; {advice}"));
    match code {
        311 => Fault::Refused(text),
        // The name is all that tells one failed precondition from another.
        406 if text.contains("larger than") => Fault::Refused(text),
        406 => blocked("it is declared otherwise there: mend the settings, or delete it"),
        403 if text.contains("Login was refused") => blocked("see to user and password in `url`"),
        403 => blocked("give the user the right (rabbitmqctl set_permissions)"),
        404 => Fault::Missing(text),
        405 => blocked("somebody else has it for himself"),
        530 => blocked("see to the vhost in `url`, and to the user's right to it"),
        503 | 540 => blocked("this RabbitMQ does not know what is asked of it"),
        _ => Fault::Away(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides() {
        let fault = |code, text: &str| by_code(code, text.to_owned());
        for code in [320, 501, 504, 505, 506, 541] {
            assert!(matches!(fault(code, "x"), Fault::Away(_)), "{code}");
        }
        for code in [403, 405, 406, 530] {
            assert!(matches!(fault(code, "x"), Fault::Blocked(_)), "{code}");
        }
        let large = "PRECONDITION_FAILED - message size 2048 is larger than configured max size 1024";
        assert!(matches!(fault(406, large), Fault::Refused(_)));
        assert!(matches!(fault(404, "NOT_FOUND - no exchange 'x' in vhost '/'"), Fault::Missing(_)));
    }
}
