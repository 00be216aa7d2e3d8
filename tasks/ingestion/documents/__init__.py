"""Operations documents: runbooks, procedures, incident reports."""
