package store

import "context"

// Site reads the domain and the name of a site from django_site.
func (s *Store) Site(ctx context.Context, id int64) (domain, name string, err error) {
	err = s.first(ctx, []any{&domain, &name}, "SELECT domain, name FROM django_site WHERE CAST(id AS bigint) = $1", id)
	return domain, name, err
}
