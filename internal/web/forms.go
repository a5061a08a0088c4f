package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"latchkey/internal/drf"
	"latchkey/internal/message"
	"latchkey/internal/store"
)

// A Verb is an endpoint of a mounted dialect that a page submits its form to: what the page asks for, the rules and the words of its errors are the endpoint's.
type Verb struct {
	Route  *drf.Route
	Method string
	// Only are the fields that the page asks for; all where it is nil.
	Only []string
	// Confirm asks for the current password first, which the endpoint does not.
	Confirm bool
	// Needs is a field that the page asks for although the endpoint would do without.
	Needs string
}

// For is the verb asking for some of its fields only; nil where that leaves none.
func (b *Verb) For(wanted func(field string) bool) *Verb {
	if b == nil {
		return nil
	}
	narrow := *b
	narrow.Only = nil
	for _, f := range b.Route.Asks(b.Method) {
		if wanted(f.Name) {
			narrow.Only = append(narrow.Only, f.Name)
		}
	}
	if narrow.Only == nil {
		return nil
	}
	return &narrow
}

// Confirmed is the verb behind the current password.
func (b *Verb) Confirmed() *Verb {
	if b == nil {
		return nil
	}
	confirmed := *b
	confirmed.Confirm = true
	return &confirmed
}

// fields are those that the page asks for, given ones left out.
func (b *Verb) fields(given url.Values) []drf.Field {
	fields := slices.DeleteFunc(b.Route.Asks(b.Method), func(f drf.Field) bool {
		return given.Has(f.Name) || b.Only != nil && !slices.Contains(b.Only, f.Name)
	})
	for i := range fields {
		if fields[i].Name == b.Needs {
			fields[i].Optional, fields[i].AllowBlank = false, false
		}
	}
	return fields
}

// A Form is what a page asks for.
type Form struct {
	// Token is the CSRF token.
	Token  string
	Inputs []Input
	// Errors are those that belong to no input.
	Errors []string
}

// An Input is one field of a form.
type Input struct {
	Name, Label, Help        string
	Type, Mode, Autocomplete string // attributes of the element
	Value                    string
	Max                      int
	Required, Checked        bool
	// Focus is for the first input that has an error, or of a form that has but one.
	Focus  bool
	Errors []string
}

// Failed tells whether anything is wrong with the form.
func (f *Form) Failed() bool {
	return f != nil && (len(f.Errors) > 0 || slices.ContainsFunc(f.Inputs, func(in Input) bool { return len(in.Errors) > 0 }))
}

// known are the fields that all dialects have, with the labels and the attributes that browsers fill them in by.
var known = map[string]struct {
	label        *message.Text
	autocomplete string
}{
	"username":         {message.T("Username"), "username"},
	"new_username":     {message.T("New username"), "username"},
	"re_new_username":  {message.T("Repeat the new username"), "username"},
	"email":            {message.T("E-mail address"), "email"},
	"new_email":        {message.T("New e-mail address"), "email"},
	"re_new_email":     {message.T("Repeat the new e-mail address"), "email"},
	"first_name":       {message.T("First name"), "given-name"},
	"last_name":        {message.T("Last name"), "family-name"},
	"password":         {message.T("Password"), "new-password"},
	"password1":        {message.T("Password"), "new-password"},
	"re_password":      {message.T("Repeat the password"), "new-password"},
	"password2":        {message.T("Repeat the password"), "new-password"},
	"new_password":     {message.T("New password"), "new-password"},
	"new_password1":    {message.T("New password"), "new-password"},
	"re_new_password":  {message.T("Repeat the new password"), "new-password"},
	"new_password2":    {message.T("Repeat the new password"), "new-password"},
	"current_password": {message.T("Current password"), "current-password"},
	"old_password":     {message.T("Current password"), "current-password"},
}

// input makes the element of a field.
func (v *visit) input(f drf.Field, value string) Input {
	in := Input{Name: f.Name, Label: v.say(f.Label), Help: v.say(f.Help), Type: "text", Value: value, Max: f.Max, Required: f.Required() && !f.AllowBlank}
	if k, ok := known[f.Name]; ok {
		in.Label, in.Help, in.Autocomplete = v.say(k.label), "", k.autocomplete
	} else if in.Label == "" {
		in.Label = drf.Label(f.Name)
	}
	switch f.Kind {
	case drf.Email:
		in.Type = "email"
	case drf.URL:
		in.Type = "url"
	case drf.Integer:
		in.Mode = "numeric"
	case drf.Decimal:
		in.Mode = "decimal"
	case drf.Date:
		in.Type = "date"
	case drf.Boolean:
		in.Type, in.Checked, in.Required = "checkbox", value == "true", false
	}
	if in.Autocomplete == "new-password" || in.Autocomplete == "current-password" {
		in.Type, in.Value = "password", "" // which a page never repeats
	}
	return in
}

// values are what the browser sent for fields, ready for the endpoint: a box that is not ticked is sent by no browser.
func (v *visit) values(fields []drf.Field) url.Values {
	sent := url.Values{}
	for _, f := range fields {
		value := v.r.PostForm.Get(f.Name)
		if f.Kind == drf.Boolean {
			value = strconv.FormatBool(value != "")
		}
		if f.Kind == drf.JSON && value == "" && f.AllowNull {
			value = "null" // nothing is no JSON
		}
		sent.Set(f.Name, value)
	}
	return sent
}

// An asking is a page with the form of a verb.
type asking struct {
	page string
	verb *Verb
	// given are fields that the page knows by itself.
	given url.Values
	// of is whose columns stand in the inputs at first; nil for empty ones.
	of *store.User
	// done goes on where the verb succeeded.
	done func() error
	// refused may answer a refusal in its own way; it returns the error where it does not.
	refused func(*drf.Error) error
}

// currentPassword is asked for before what the endpoint would do without.
var currentPassword = drf.Field{Name: "current_password", NoTrim: true}

// ask shows the form of a verb, and on POST submits it.
func (v *visit) ask(a asking) error {
	fields := a.verb.fields(a.given)
	if a.verb.Confirm {
		fields = append(fields, currentPassword)
	}
	if v.r.Method != http.MethodPost {
		data := v.form(a.page, fields, func(f drf.Field) string {
			if a.of == nil {
				return ""
			}
			value := v.p.Model.Value(a.of, f.Name)
			if f.Kind == drf.JSON && value != nil {
				return string(drf.Encode(value))
			}
			return textOf(value)
		})
		return v.show(http.StatusOK, data)
	}
	sent := v.values(fields)
	err := v.submit(a, sent)
	if err == nil {
		return a.done()
	}
	refused := v.answer(err)
	if a.refused != nil {
		if err := a.refused(refused); err != refused {
			return err
		}
	}
	if refused.Status >= http.StatusInternalServerError {
		return refused
	}
	data := v.form(a.page, fields, func(f drf.Field) string { return sent.Get(f.Name) })
	v.explain(data.Form, refused)
	if !data.Form.Failed() {
		return refused
	}
	return v.show(refused.Status, data)
}

// submit checks what the page asks for beside the endpoint, and then calls that.
func (v *visit) submit(a asking, sent url.Values) error {
	if a.verb.Needs != "" && drf.Strip(sent.Get(a.verb.Needs)) == "" {
		return drf.Invalid(a.verb.Needs, message.T("This field may not be blank."))
	}
	if a.verb.Confirm {
		if err := v.request().Throttle("password"); err != nil {
			return err
		}
		right, err := v.p.Accounts.CheckPassword(v.r.Context(), v.user, sent.Get(currentPassword.Name))
		if err != nil {
			return err
		}
		if !right {
			return drf.Invalid(currentPassword.Name, message.T("Invalid password."))
		}
	}
	body := url.Values{}
	for _, from := range []url.Values{sent, a.given} {
		for name := range from {
			if !a.verb.Confirm || name != currentPassword.Name {
				body.Set(name, from.Get(name))
			}
		}
	}
	return v.p.View.Submit(v.w, v.r, v.user, a.verb.Route, a.verb.Method, body)
}

// form is the data of a page with a form.
func (v *visit) form(page string, fields []drf.Field, value func(drf.Field) string) *Data {
	data := v.data(page)
	data.Form = &Form{Token: v.token()}
	for _, f := range fields {
		data.Form.Inputs = append(data.Form.Inputs, v.input(f, value(f)))
	}
	if len(data.Form.Inputs) == 1 {
		data.Form.Inputs[0].Focus = true
	}
	return data
}

// explain puts a refusal's messages beside the inputs that they are about, and the others above the form.
func (v *visit) explain(form *Form, refused *drf.Error) {
	if body, ok := refused.Body.(drf.Object); ok {
		for _, member := range body {
			i := slices.IndexFunc(form.Inputs, func(in Input) bool { return in.Name == member.Key })
			if i < 0 {
				form.Errors = append(form.Errors, v.texts(member.Value)...)
			} else {
				form.Inputs[i].Errors = v.texts(member.Value)
			}
		}
	} else {
		form.Errors = v.texts(refused.Body)
	}
	first := slices.IndexFunc(form.Inputs, func(in Input) bool { return len(in.Errors) > 0 })
	for i := range form.Inputs {
		form.Inputs[i].Focus = i == first
	}
}

// texts are the messages of a field, in the reader's language.
func (v *visit) texts(value any) []string {
	list, ok := value.(drf.List)
	if !ok {
		list = drf.List{value}
	}
	texts := make([]string, 0, len(list))
	for _, value := range list {
		texts = append(texts, v.say(value))
	}
	return texts
}

// say is a text in the reader's language.
func (v *visit) say(value any) string {
	if text, ok := value.(*message.Text); ok {
		return text.In(message.From(v.r.Context()))
	}
	return textOf(value)
}

// textOf is a column's value as an input shows it.
func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	}
	return fmt.Sprint(value)
}
