package store

import (
	"context"
	"fmt"
	"time"
)

// A Step is one change of the schema.
type Step struct{ Name, SQL string }

// Plan lists what Migrate would do. On a database without the user table that begins with Django's own tables, all of them;
// where the user table stands, Django's tables are Django's business and only latchkey_* tables are made.
func (s *Store) Plan(ctx context.Context) ([]Step, error) {
	var plan []Step
	var users, django, ledger bool
	for table, has := range map[string]*bool{s.settings.Table: &users, "django_migrations": &django, "latchkey_migration": &ledger} {
		if err := s.first(ctx, []any{has}, s.engine.hasTable, table); err != nil {
			return nil, err
		}
	}
	switch {
	case users:
	case s.settings.Table != stockTable:
		return nil, fmt.Errorf("%s has no table %s, and only Django's own auth_user can be made here: run Django's migrate first, or name the user table under user_model", s.name, s.settings.Table)
	case django:
		return nil, fmt.Errorf("%s has Django's tables but no auth_user: name its user table under user_model, or run Django's migrate first", s.name)
	default:
		step, err := s.engine.django()
		if err != nil {
			return nil, err
		}
		plan = append(plan, step)
	}
	done := map[string]bool{}
	if ledger {
		err := s.each(ctx, func(rows row) error {
			var name string
			err := rows.Scan(&name)
			done[name] = true
			return err
		}, "SELECT name FROM latchkey_migration")
		if err != nil {
			return nil, err
		}
	}
	steps, err := s.engine.migrations()
	for _, step := range steps {
		if !done[step.Name] {
			plan = append(plan, step)
		}
	}
	return plan, err
}

// Migrate brings the schema up to date, all of it or nothing. Processes that start together wait for each other.
func (s *Store) Migrate(ctx context.Context) error {
	err := s.InTx(ctx, func(tx *Store) error {
		if s.engine.lockSchema != "" {
			if _, err := tx.exec(ctx, s.engine.lockSchema); err != nil {
				return err
			}
		}
		plan, err := tx.Plan(ctx)
		if err != nil {
			return err
		}
		for _, step := range plan {
			if _, err := tx.exec(ctx, step.SQL, s.engine.script...); err != nil {
				return fmt.Errorf("step %s: %w", step.Name, err)
			}
		}
		for _, step := range plan {
			if step.Name == "django" {
				continue // django_migrations tells of these
			}
			_, err := tx.exec(ctx, "INSERT INTO latchkey_migration (name, applied_at) VALUES ($1, $2)", step.Name, tx.stamp(time.Now()))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate %s: %w", s.name, err)
	}
	return s.look(ctx)
}
