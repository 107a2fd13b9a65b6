CREATE DATABASE postfix CHARACTER SET utf8mb4;
CREATE USER 'postfix'@'127.0.0.1' IDENTIFIED BY 'PASSWORD';
GRANT ALL PRIVILEGES ON postfix.* TO 'postfix'@'127.0.0.1';
FLUSH PRIVILEGES;
USE postfix;
CREATE TABLE domain (domain VARCHAR(255) NOT NULL PRIMARY KEY, backupmx TINYINT NOT NULL DEFAULT 0,
                     active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE alias (address VARCHAR(255) NOT NULL PRIMARY KEY, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL,
                    active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE alias_domain (alias_domain VARCHAR(255) NOT NULL PRIMARY KEY, target_domain VARCHAR(255) NOT NULL,
                           active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) NOT NULL PRIMARY KEY, maildir VARCHAR(255) NOT NULL,
                      domain VARCHAR(255) NOT NULL, active TINYINT NOT NULL DEFAULT 1);
INSERT INTO domain (domain) VALUES ('nausch.org');
INSERT INTO domain VALUES ('omni128.de', 0, 1), ('off.test', 0, 0);
INSERT INTO mailbox VALUES ('michael@nausch.org', 'nausch.org/michael/', 'nausch.org', 1),
  ('django@nausch.org', 'nausch.org/django/', 'nausch.org', 1),
  ('closed@nausch.org', 'nausch.org/closed/', 'nausch.org', 0),
  ('peer.heinlein@nausch.org', 'nausch.org/peer.heinlein/', 'nausch.org', 1);
INSERT INTO alias VALUES ('michael@nausch.org', 'michael@nausch.org', 'nausch.org', 1),
  ('django@nausch.org', 'django@nausch.org', 'nausch.org', 1),
  ('all@nausch.org', 'michael@nausch.org,django@nausch.org', 'nausch.org', 1);
INSERT INTO alias VALUES ('@nausch.org', 'django@nausch.org', 'nausch.org', 0);
INSERT INTO alias_domain VALUES ('omni128.de', 'nausch.org', 1);
