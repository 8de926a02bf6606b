//! Names whose values are secrets or people, whatever the values look like.

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A secret.
    Secret,
    /// A secret where the shape leaves no doubt that it is a value: the name is a word of its own.
    Word,
    /// A header whose value is the rest of its line.
    Header,
    /// Cookies.
    Cookie,
    /// Somebody: what of them.
    Person(&'static str),
}

/// Parts of names of secrets, in lower case without `-`, `_`, `.` and spaces.
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "apikey", "authorization", "sessionid",
    "sessid", "cookie", "csrf", "xsrf", "credential", "privatekey", "accesskey", "accountkey", "sharedkey",
    "encryptionkey", "signingkey", "masterkey", "clientkeydata", "authkey", "appkey", "secretkey", "signature",
    "cardnumber", "creditcard", "ccnumber", "securitycode", "cvc", "cvv", "iban", "ssn", "socialsecurity", "kennwort",
    "passwort", "motdepasse", "contraseña", "senha", "wachtwoord", "parol", "mnemonic", "seedphrase", "recoverycode",
    "backupcode", "otpcode", "totp", "identifiedby",
];

/// Names that are secrets only as a whole.
#[rustfmt::skip]
const WHOLE: &[&str] = &[
    "auth", "session", "sid", "pin", "otp", "jwt", "bearer", "card", "pass", "sig", "psw", "pw", "cvn", "pincode",
    "mfa", "saml", "samlresponse", "assertion", "refresh", "xauth", "apisecret", "salt", "hmac", "tan",
];

/// Names that hold one of the parts and are none: counts, limits, kinds.
#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "tokentype", "maxtokens", "tokencount", "totaltokens", "usagetokens", "inputtokens", "outputtokens", "tokens",
    "tokenlimit", "promptcachetokens", "prompttokens", "completiontokens", "cachedtokens", "reasoningtokens",
    "numtokens", "tokenusage", "tokensused", "passwordlength", "minpasswordlength", "haspassword", "passwordrequired",
    "passwordreset", "passwordstrength", "passwordfield", "hastoken", "tokenexpired", "tokenvalid", "istokenvalid",
    "tokenizer", "tokenize", "tokenname", "cookieenabled", "cookieconsent", "cookiesenabled", "cookiepolicy",
    "cookiedomain", "cookiepath", "samesitecookie", "tokenexpiry", "tokenexpiresin", "tokenexpiresat",
    "passwordexpired", "passwordchangedat", "secretname", "tokenurl", "tokenendpoint", "credentialtype",
    "signaturealgorithm", "signatureversion", "signaturemethod", "secretsmanager", "csrfenabled", "methodsignature",
    "functionsignature", "signaturevalid", "sessionidlength", "withcredentials", "allowcredentials",
    "accesscontrolallowcredentials", "secretary", "secretariat", "unexpectedtoken", "syntaxtoken", "tokenposition", "tokenkind",
];

/// Headers whose value is the rest of their line.
const HEADERS: &[&str] =
    &["authorization", "proxyauthorization", "xauthorization", "xamzsecuritytoken", "wwwauthorization"];

/// Names of people's data as a whole, and what it is.
#[rustfmt::skip]
const PEOPLE: &[(&str, &[&str])] = &[
    ("name", &[
        "firstname", "lastname", "fullname", "surname", "familyname", "givenname", "middlename", "maidenname",
        "realname", "displayname", "cardholder", "cardholdername", "accountholder", "accountholdername",
        "customername", "contactname", "billingname", "shippingname", "recipientname", "patientname", "employeename",
        "passengername", "guestname", "vorname", "nachname", "prenom", "nombre", "apellido", "apellidos", "sobrenome",
        "cognome", "fname", "lname", "nickname", "personname", "legalname", "ownername", "membername", "studentname",
        "teachername", "drivername",
    ]),
    ("phone", &[
        "phone", "phonenumber", "phoneno", "mobile", "mobilephone", "mobilenumber", "mobileno", "cellphone", "cell",
        "telephone", "telephonenumber", "tel", "fax", "faxnumber", "msisdn", "whatsapp", "contactphone",
        "contactnumber", "homephone", "workphone", "telefon", "telefono", "telefone", "handy", "userphone",
        "customerphone", "phone1", "phone2", "billingphone", "shippingphone",
    ]),
    ("address", &[
        "address", "street", "streetaddress", "streetname", "address1", "address2", "addressline1", "addressline2",
        "addressline", "billingaddress", "shippingaddress", "homeaddress", "postaladdress", "mailingaddress",
        "deliveryaddress", "strasse", "adresse", "direccion", "endereco", "indirizzo", "line1", "line2", "street1",
        "street2",
    ]),
    ("birth date", &[
        "dateofbirth", "birthdate", "birthday", "dob", "geburtsdatum", "birthdt", "datenaissance",
    ]),
    ("national number", &[
        "nationalid", "nationalidentifier", "nationalinsurance", "nationalinsurancenumber", "nino", "taxid",
        "taxnumber", "tin", "passport", "passportnumber", "passportno", "driverslicense", "driverlicense",
        "drivinglicence", "licencenumber", "nhsnumber", "aadhaar", "aadhaarnumber", "personnummer", "personnumber",
        "cpf", "dni", "nif", "nie", "bsn", "pesel", "steuerid", "steuernummer", "svnr", "codicefiscale", "curp",
        "rut", "idcard", "idnumber", "identitynumber", "personalid", "personalnumber", "socialinsurancenumber", "ahv",
        "cnp", "egn", "oib", "emso", "fodselsnummer", "hetu", "mrn", "medicalrecordnumber", "healthcardnumber",
        "insurancenumber", "sozialversicherungsnummer",
    ]),
    ("email", &[
        "email", "emailaddress", "mail", "useremail", "contactemail", "customeremail", "emailid", "primaryemail",
        "replyto",
    ]),
    ("user", &[
        "userid", "username", "xuserid", "enduserid", "userusername", "loginname", "userlogin", "login",
    ]),
    ("ip", &[
        "ipaddress", "ip", "clientip", "clientaddress", "remoteaddr", "remoteaddress", "xforwardedfor", "xrealip",
        "remoteip", "cfconnectingip", "trueclientip", "xclientip", "peeraddress", "useripaddress", "forwarded",
        "xclusterclientip", "fastlyclientip", "userip", "ipaddr", "sourceip", "srcip", "networkpeeraddress",
    ]),
];

/// Longest name that is read whole; of a longer one the beginning and the end are.
const LONGEST: usize = 200;

/// A name in lower case without what joins its words.
fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len().min(LONGEST * 2));
    let fold = |part: &str, folded: &mut String| {
        let kept = part.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ' | '$' | '[' | ']' | ':' | '/'));
        folded.extend(kept.flat_map(char::to_lowercase));
    };
    match name.char_indices().nth(LONGEST) {
        None => fold(name, &mut folded),
        Some((cut, _)) => {
            fold(&name[..cut], &mut folded);
            let tail = name.char_indices().rev().nth(LONGEST).map_or(0, |(at, _)| at.max(cut));
            fold(&name[tail..], &mut folded);
        }
    }
    folded
}

/// What a name says of its value; `None`: nothing.
pub(super) fn class(name: &str) -> Option<Class> {
    let folded = folded(name);
    let folded = folded.as_str();
    // A text with lines or pairs of its own is no name.
    if folded.is_empty() || name.contains(['\n', '=']) || HARMLESS.contains(&folded) {
        return None;
    }
    if HEADERS.contains(&folded) {
        return Some(Class::Header);
    }
    if folded == "cookie" || folded == "setcookie" {
        return Some(Class::Cookie);
    }
    // Flags about a secret are none: `has_token`, `is_password_set`.
    let flag = ["has", "is", "needs", "requires", "use", "show", "no"].iter().any(|verb| {
        folded.strip_prefix(verb).is_some_and(|rest| PARTS.iter().any(|part| rest.starts_with(part)))
            && name.len() > verb.len()
            && !name[verb.len()..].starts_with(|c: char| c.is_ascii_lowercase())
    });
    if flag {
        return None;
    }
    if WHOLE.contains(&folded) {
        return Some(Class::Word);
    }
    let pass = ["_pass", "-pass", ".pass", "_PASS", "Pass", "_pw", "_PW"].iter().any(|end| name.ends_with(end));
    if pass || PARTS.iter().any(|part| folded.contains(part)) {
        return Some(Class::Secret);
    }
    // `user.email`, `customer[first_name]`: the last word says it.
    let last = name.rsplit(['.', '[', ':', '/']).next().map(self::folded).unwrap_or_default();
    let is = |names: &[&str]| names.contains(&folded) || names.contains(&last.as_str());
    PEOPLE.iter().find(|(_, names)| is(names)).map(|(kind, _)| Class::Person(kind))
}

/// Whether the value under this name goes.
pub(super) fn is_secret(name: &str) -> bool {
    matches!(class(name), Some(Class::Secret | Class::Word | Class::Header | Class::Cookie))
}

/// Words by which telling names are sought in a text, in small letters. Names of several words are sought by one.
pub(super) fn words() -> Vec<&'static str> {
    #[rustfmt::skip]
    const SOUGHT: &[&str] = &[
        "pass", "pwd", "secret", "token", "key", "auth", "session", "sess", "cookie", "csrf", "xsrf", "credential",
        "signature", "card", "ccnumber", "code", "cvc", "cvv", "iban", "ssn", "social", "kennwort", "passwort",
        "contrase", "senha", "wachtwoord", "parol", "mnemonic", "seed", "totp", "sid", "pin", "otp", "jwt", "bearer",
        "sig", "psw", "identified by", "name", "phone", "mobile", "cell", "tel", "fax", "msisdn", "whatsapp",
        "address", "street", "birth", "dob", "national", "nino", "tax", "passport", "licen", "nhs", "aadhaar",
        "person", "cpf", "dni", "nif", "nie", "bsn", "pesel", "steuer", "curp", "idnumber", "insurance", "saml",
        "assertion", "hmac", "salt", "mfa", "number", "holder", "adresse", "user", "login", "line1", "line2",
    ];
    SOUGHT.to_vec()
}

/// What stands where a secret stood under a name.
pub(super) const REDACTED: &str = "[redacted: secret]";

/// What SDKs and this program leave where a value was: nothing more has to go. The whole value is that, or it is none.
pub(super) fn is_gone(value: &str) -> bool {
    let kind = value.strip_prefix("[redacted: ").and_then(|rest| rest.strip_suffix(']'));
    value == "[Filtered]" || kind.is_some_and(super::redact::is_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        for name in [
            "password",
            "DB_PASSWORD",
            "x-api-key",
            "Authorization",
            "sessionId",
            "access.token",
            "auth",
            "Set-Cookie",
            "aws_secret_access_key",
            "user[password]",
            "X-Amz-Signature",
            "social_security",
            "connect.sid.session_id",
        ] {
            assert!(is_secret(name), "{name}");
        }
        let long = format!("password{}", "x".repeat(400));
        assert!(is_secret(&long) && is_secret(&format!("{}password", "x".repeat(400))));
        for name in [
            "author",
            "currency",
            "max_tokens",
            "token_type",
            "status",
            "position",
            "class",
            "sessions_total",
            "has_token",
            "isPasswordSet",
            "design",
            "assignment",
            "username",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn names_of_peoples_data_are_known() {
        for (name, kind) in [
            ("first_name", "name"),
            ("user.email", "email"),
            ("Phone-Number", "phone"),
            ("customer[street]", "address"),
            ("REMOTE_ADDR", "ip"),
            ("date_of_birth", "birth date"),
            ("user_id", "user"),
        ] {
            assert_eq!(class(name), Some(Class::Person(kind)), "{name}");
        }
        for name in ["name", "filename", "hostname", "function_name", "tel_aviv", "id"] {
            assert_eq!(class(name), None, "{name}");
        }
    }
}
