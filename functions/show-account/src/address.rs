//! `/account/addresses/new` and `/account/addresses/{id}`: an address is added, changed or removed.

use std::collections::BTreeMap;

use anyhow::anyhow;
use frontend::{Form, PageContext, pages::AccountAddress, pairs};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Address, AddressText, Invalid, Reason, SavedAddress},
    repo::customer_addresses::{self, AddressChange},
};
use time::OffsetDateTime;

use super::SignedIn;

pub async fn handle(app: &App, request: &Request, customer: &SignedIn, id: Option<u64>) -> Result<Reply> {
    let subject = customer.subject;
    let saved = match id {
        Some(id) => {
            let found = app.database().read(async |c| customer_addresses::find(c, subject, id).await).await?;
            Some(found.ok_or(ApiError::NotFound)?)
        }
        None => None,
    };
    let (context, key) = (PageContext::of(request), customer.form_key());
    let show = |status, saved: Option<&SavedAddress>, form: Form, has_changed| {
        context.reply(status, &AccountAddress { view: context.view(), saved, form, key: &key, has_changed })
    };
    if request.is_read() {
        let fields = saved.as_ref().map(AccountAddress::fields).unwrap_or_default();
        let typed: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        return show(200, saved.as_ref(), Form { typed: &typed, ..Form::default() }, false);
    }
    let typed = request.form()?;
    if !customer.is_own_form(&typed) {
        return Form::expired(&typed, |status, form| show(status, saved.as_ref(), form, false));
    }
    if let Some(shown) = Form::unsent(&typed, |status, form| show(status, saved.as_ref(), form, false)) {
        return shown;
    }
    let changed = match change(app, request, customer, id, &typed).await {
        Ok(AddressChange::Done | AddressChange::Full) => Ok(Reply::see_other("/account/addresses")),
        // The message of the first sign-in is on its way.
        Ok(AddressChange::NotFound) if id.is_none() => {
            Err(ApiError::Unavailable(anyhow!("the customer is not written yet")))
        }
        Ok(AddressChange::NotFound) => Err(ApiError::NotFound),
        Ok(AddressChange::Conflict(now)) => {
            let values = pairs(&typed);
            return show(409, Some(&now), Form { typed: &values, ..Form::default() }, true);
        }
        Err(error) => Err(error),
    };
    Form::again(request, &typed, changed, |status, form| show(status, saved.as_ref(), form, false))
}

async fn change(
    app: &App,
    request: &Request,
    customer: &SignedIn,
    id: Option<u64>,
    typed: &BTreeMap<String, String>,
) -> Result<AddressChange> {
    if request.is_too_large() {
        return Err(ApiError::TooLarge);
    }
    let (subject, now) = (customer.subject, OffsetDateTime::now_utc());
    let version = || {
        let version = typed.get("version").and_then(|version| version.parse::<u32>().ok());
        version.ok_or_else(|| Invalid::other("version", "must be the one that the page has"))
    };
    let is_default = typed.get("default").is_some_and(|value| value == "yes");
    if let Some(id) = id
        && typed.get("do").is_some_and(|action| action == "delete")
    {
        let version = version()?;
        let removing = app.database().write(async |c| customer_addresses::remove(c, subject, (id, version)).await);
        return Ok(removing.await?);
    }
    let address = parse(typed).map_err(ApiError::Unprocessable)?;
    let Some(id) = id else {
        let adding =
            app.database().write(async |c| customer_addresses::add(c, subject, &address, is_default, now).await);
        return Ok(adding.await?);
    };
    let version = version()?;
    let changing = app
        .database()
        .write(async |c| customer_addresses::change(c, subject, (id, version), &address, is_default, now).await);
    Ok(changing.await?)
}

/// The address of the form, or all that is wrong with it, by the names of its fields.
fn parse(typed: &BTreeMap<String, String>) -> Result<Address, Vec<Invalid>> {
    let field = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let text = AddressText {
        name: field("recipient"),
        street: vec![field("street"), field("street2")],
        postal_code: field("postal_code"),
        place: field("place"),
        region: field("region"),
        country: field("country"),
    };
    let of_form = |error: Invalid| match error.field.as_str() {
        "name" => vec![Invalid { field: "recipient".to_owned(), ..error }],
        "street" if error.reason != Reason::Blank => text.invalid_streets(error, ["street", "street2"]),
        _ => vec![error],
    };
    Address::parse(&text).map_err(|errors| errors.into_iter().flat_map(of_form).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_each_field_that_is_wrong() {
        let valid = [
            ("recipient", "Ana"),
            ("street", "Calle Mayor 1"),
            ("postal_code", "28013"),
            ("place", "Madrid"),
            ("country", "ES"),
        ];
        for (changed, expected) in [
            (&[][..], ""),
            (&[("recipient", ""), ("place", "")], "recipient place"),
            (&[("postal_code", "x")], "postal_code"),
            (&[("country", "XX")], "country"),
            (&[("street2", "4111 1111 1111 1111")], "street2"),
        ] {
            let typed = valid.iter().chain(changed);
            let typed: BTreeMap<String, String> =
                typed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let invalid = parse(&typed).err().unwrap_or_default();
            let fields: Vec<&str> = invalid.iter().map(|invalid| invalid.field.as_str()).collect();
            assert_eq!(fields.join(" "), expected, "{changed:?}");
        }
    }
}
